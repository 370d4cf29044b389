/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/build/platform.h — for which machine a stage is: its images, and whether it runs here. */
#ifndef MB_BUILD_PLATFORM_H
#define MB_BUILD_PLATFORM_H

struct mb_build;
struct mb_build_stage;
struct mb_build_state;
struct mb_err;

/* .platform and .platform_said of a stage whose base is known; @said is what FROM has, expanded, or
 * NULL. */
int mb_build_platform_choose(struct mb_build *b, struct mb_build_stage *stage, const char *said,
                             struct mb_err *err);
/* The layers and configuration of the image that @stage means by @name, brought in if need be. */
int mb_build_image_state(struct mb_build *b, const struct mb_build_stage *stage, const char *name,
                         struct mb_build_state *ret, struct mb_err *err);
/* Tell of base images here that are for another machine than they are to be for.  Return: how many
 * there are. */
unsigned mb_build_platforms_check(struct mb_build *b);

#endif
