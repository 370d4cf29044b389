/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/container/event.h — what happens to a container is told to ROOT/events (core/event.h).
 *
 * Attributes are docker's: the labels, "image", "name", and what the action adds.  Steps of a
 * build are nobody's business and tell nothing.
 */
#ifndef MB_CONTAINER_EVENT_H
#define MB_CONTAINER_EVENT_H

#include <stdbool.h>

struct mb_container;
struct mb_event;
struct mb_net_sandbox;
struct mb_strv;

/* Begin one, to be added to and given to mb_event_write().  Return: whether it is to be told. */
bool mb_container_event_begin(const struct mb_container *c, const char *action, struct mb_event *e);
void mb_container_event(const struct mb_container *c, const char *action);
/* With one attribute more. */
void mb_container_event_with(const struct mb_container *c, const char *action, const char *key,
                             const char *value);
/* "exec_create: sh -c x". */
void mb_container_event_exec(const struct mb_container *c, const char *action,
                             const struct mb_strv *args, const char *exec_id);
void mb_container_event_exec_die(const struct mb_container *c, const char *exec_id, int code);
/* A start connected it and mounted its volumes, or its end undid that. */
void mb_container_event_parts(const struct mb_container *c, const struct mb_net_sandbox *sandbox,
                              bool up);
/* It has joined or left one network. */
void mb_container_event_network(const struct mb_container *c, const char *action, const char *id,
                                const char *name, const char *driver);

#endif
