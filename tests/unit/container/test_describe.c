/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "container/container.h"
#include "container/inspect.h"
#include "core/clock.h"
#include "core/own.h"
#include "core/str.h"

enum { HOUR = 3600 };

static int64_t ago(int64_t seconds)
{
	return mb_now_nsec() - seconds * MB_NSEC_PER_SEC;
}

static void assert_status(struct mb_container *c, const char *words)
{
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;

	mb_container_status_text(c, &out);
	assert_string_equal(out.buf, words);
}

static void status_words(void **state)
{
	struct mb_container_record record = {0};
	struct mb_container c = {.record = &record};
	struct mb_container_state *s = &c.state;

	(void)state;
	assert_status(&c, "Created");
	s->status = MB_STATUS_RUNNING;
	s->run.started = ago(5 * 60 + 1);
	assert_status(&c, "Up 5 minutes");
	s->run.started = ago(-60); /* the clock was set back */
	assert_status(&c, "Up Less than a second");
	s->status = MB_STATUS_PAUSED;
	s->run.started = ago(2 * HOUR);
	assert_status(&c, "Up 2 hours (Paused)");
	s->status = MB_STATUS_RESTARTING;
	s->exit.exit_code = 1;
	s->exit.finished = ago(2);
	assert_status(&c, "Restarting (1) 2 seconds ago");
	s->status = MB_STATUS_EXITED;
	s->exit.exit_code = 137;
	s->exit.finished = ago(3 * 24 * HOUR);
	assert_status(&c, "Exited (137) 3 days ago");
	s->exit.finished = 0;
	assert_status(&c, "Exited (137)");
	s->status = MB_STATUS_REMOVING;
	assert_status(&c, "Removal In Progress");
	s->status = MB_STATUS_DEAD;
	assert_status(&c, "Dead");
}

static void running_words(void **state)
{
	static const bool runs[MB_STATUS_N_] = {[MB_STATUS_RUNNING] = true,
	                                        [MB_STATUS_PAUSED] = true,
	                                        [MB_STATUS_RESTARTING] = true};
	struct mb_container c = {0};

	(void)state;
	for (int i = 0; i < MB_STATUS_N_; i++) {
		c.state.status = (enum mb_container_status)i;
		assert_int_equal(mb_container_is_running(&c), runs[i]);
	}
}

static void command_words(void **state)
{
	struct mb_container_record record = {0};
	struct mb_container c = {.record = &record};
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;

	(void)state;
	mb_container_command_text(&c, &out);
	assert_string_equal(mb_str_text(&out), "");
	mb_strv_split(&record.config.entrypoint, "/init,--", ',');
	mb_strv_split(&record.config.cmd, "sh,-c,echo hi", ',');
	mb_container_command_text(&c, &out);
	assert_string_equal(out.buf, "/init -- sh -c 'echo hi'");
	mb_container_record_done(&record);
}

/* @published: "container-port>ip>host-port" separated by spaces; @exposed as in the record. */
static void assert_ports(const char *published, const char *exposed, const char *want)
{
	struct mb_container_record record = {0};
	struct mb_container c = {.record = &record, .state.status = MB_STATUS_RUNNING};
	MB_AUTO_STRV struct mb_strv texts = MB_STRV_INIT;
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;

	mb_strv_split(&record.config.exposed_ports, exposed, ' ');
	mb_strv_split(&texts, published, ' ');
	for (size_t i = 0; i < texts.n; i++) {
		MB_AUTO_STRV struct mb_strv parts = MB_STRV_INIT;
		struct mb_container_published *p =
			mb_container_append(&c.state.run.ports, &c.state.run.n_ports, sizeof(*p));

		mb_strv_split(&parts, texts.v[i], '>');
		p->container_port = mb_strdup(parts.v[0]);
		p->host_ip = mb_strdup(parts.v[1]);
		p->host_port = mb_strdup(parts.v[2]);
	}
	mb_container_ports_text(&c, &out);
	assert_string_equal(mb_str_text(&out), want);
	mb_str_reset(&out);
	c.state.status = MB_STATUS_EXITED;
	mb_container_ports_text(&c, &out);
	assert_string_equal(mb_str_text(&out), "");
	mb_container_state_done(&c.state);
	mb_container_record_done(&record);
}

/* docker's order: what is only exposed, what keeps its number, what has another. */
static void port_words(void **state)
{
	(void)state;
	assert_ports("", "", "");
	assert_ports("", "80/tcp", "80/tcp");
	assert_ports("80/tcp>0.0.0.0>8080", "80/tcp", "0.0.0.0:8080->80/tcp");
	assert_ports("80/tcp>0.0.0.0>8080", "80/tcp 443/tcp", "443/tcp, 0.0.0.0:8080->80/tcp");
	assert_ports("80/tcp>0.0.0.0>8080 9/tcp>0.0.0.0>9", "5/udp",
	             "5/udp, 0.0.0.0:9->9/tcp, 0.0.0.0:8080->80/tcp");
	assert_ports("80/tcp>::>8080 80/tcp>0.0.0.0>8080", "80/tcp",
	             "0.0.0.0:8080->80/tcp, [::]:8080->80/tcp");
	assert_ports("53/udp>127.0.0.1>53 53/tcp>127.0.0.1>53", "",
	             "127.0.0.1:53->53/tcp, 127.0.0.1:53->53/udp");
	/* Ranges fold where each port keeps its number. */
	assert_ports("8002/tcp>0.0.0.0>8002 8000/tcp>0.0.0.0>8000 8001/tcp>0.0.0.0>8001", "",
	             "0.0.0.0:8000-8002->8000-8002/tcp");
	assert_ports("8000/tcp>0.0.0.0>9000 8001/tcp>0.0.0.0>9001", "",
	             "0.0.0.0:9000->8000/tcp, 0.0.0.0:9001->8001/tcp");
	assert_ports("", "3/tcp 1/tcp 2/tcp 5/tcp 2/udp", "1-3/tcp, 5/tcp, 2/udp");
	/* A range when the next one of its group begins, the last ones as their groups began. */
	assert_ports("53/udp>127.0.0.1>53 80/tcp>127.0.0.1>80 81/tcp>127.0.0.1>1810 "
	             "90/tcp>127.0.0.1>90 91/tcp>127.0.0.1>91",
	             "7/udp 70/tcp 71/tcp",
	             "127.0.0.1:80->80/tcp, 7/udp, 127.0.0.1:53->53/udp, 70-71/tcp, "
	             "127.0.0.1:90-91->90-91/tcp, 127.0.0.1:1810->81/tcp");
	/* By the container's number, whatever the address. */
	assert_ports("82/udp>0.0.0.0>2 80/tcp>127.0.0.1>1", "99/tcp",
	             "99/tcp, 127.0.0.1:1->80/tcp, 0.0.0.0:2->82/udp");
	assert_ports("80/tcp>0.0.0.0>9 80/tcp>10.0.0.1>9 80/tcp>::1>9", "",
	             "0.0.0.0:9->80/tcp, 10.0.0.1:9->80/tcp, [::1]:9->80/tcp");
}

static void network_names(void **state)
{
	struct mb_container_record record = {0};
	struct mb_container c = {.record = &record};
	MB_AUTO_STRV struct mb_strv out = MB_STRV_INIT;
	char host[] = "host";

	(void)state;
	mb_container_network_names(&c, &out);
	assert_int_equal(out.n, 0);
	record.host.network_mode = host;
	mb_container_network_names(&c, &out);
	assert_string_equal(out.v[0], "host");
	mb_strv_done(&out);
	mb_strv_add(&record.networks, "name=front,alias=x");
	mb_strv_add(&record.networks, "name=broken,ip=x");
	mb_strv_add(&record.networks, "name=back");
	mb_container_network_names(&c, &out);
	assert_int_equal(out.n, 2);
	assert_string_equal(out.v[0], "front");
	assert_string_equal(out.v[1], "back");
	mb_strv_done(&record.networks);
}

static void sizes(void **state)
{
	struct mb_container_record record = {0};
	struct mb_container c = {.record = &record};
	UNIT_DIR dir;
	int64_t bytes = 99;

	(void)state;
	unit_dir_init(&dir);
	c.dir_fd = dir.fd;
	assert_int_equal(mb_container_size(&c, &bytes, NULL), 0);
	assert_int_equal(bytes, 0);
	assert_int_equal(mkdirat(dir.fd, "upper", 0700), 0);
	assert_int_equal(mkdirat(dir.fd, "upper/d", 0700), 0);
	unit_write(dir.fd, "upper/a", "12345", 5);
	unit_write(dir.fd, "upper/d/b", "1234567", 7);
	assert_int_equal(mkfifoat(dir.fd, "upper/fifo", 0600), 0);
	assert_int_equal(symlinkat("/", dir.fd, "upper/root"), 0);
	assert_int_equal(symlinkat("..", dir.fd, "upper/d/up"), 0);
	assert_int_equal(mb_container_size(&c, &bytes, NULL), 0);
	assert_int_equal(bytes, 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(status_words),  cmocka_unit_test(running_words),
		cmocka_unit_test(command_words), cmocka_unit_test(port_words),
		cmocka_unit_test(network_names), cmocka_unit_test(sizes),
	};

	return cmocka_run_group_tests_name("container/describe", tests, NULL, NULL);
}
