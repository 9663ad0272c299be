/* `bellwire serve` and `bellwire dev`: read the options, build the program, run it. */
#include <signal.h>
#include <stdio.h>

#include "app/app.h"
#include "app/commands.h"
#include "app/dev.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"

/* "ready http=http://127.0.0.1:8080 turn=127.0.0.1:3478": what programs that drive this one wait for. */
static void say_ready(const struct app *a)
{
	char text[ADDR_TEXT_SIZE];
	const char *scheme = a->tls ? "https" : "http";
	printf("ready");
	for (size_t i = 0; i < a->config.listen.n; i++)
		printf(" http=%s://%s", scheme, addr_format(http_server_addr(a->http, i), text));
	union turn_addr turn[TURN_MAX_ADDRS];
	size_t n_turn = a->turn ? turn_listening(a->turn, turn, TURN_MAX_ADDRS) : 0;
	for (size_t i = 0; i < n_turn; i++) {
		char turn_text[TURN_ADDR_TEXT];
		turn_addr_format(&turn[i], turn_text);
		printf(" turn=%s", turn_text);
	}
	putchar('\n');
	if (a->is_dev)
		printf("\n  bellwire's demo: open %s://localhost:%u in Chromium or Firefox.\n"
		       "  alice and bob sit side by side there; Ctrl-C ends it.\n\n",
			scheme, addr_port(http_server_addr(a->http, 0)));
	fflush(stdout);
}

static int serve(struct app *a)
{
	struct buf why;
	buf_init(&why, 2000);
	int err = app_open(a, &why);
	int status = EXIT_OK;
	if (err < 0) {
		status = usage_wrong(why.len ? buf_str(&why) : str_of(err_text(err)));
	} else {
		log_info("serving", LOG_I("start_ms", clock_mono_ms() - a->started_at));
		say_ready(a);
		status = app_run(a);
	}
	buf_fini(&why);
	return status;
}

static int run(char **argv, enum command command)
{
	struct app a = {.is_dev = command == DEV, .started_at = clock_mono_ms()};
	struct buf why;
	enum log_level level;
	buf_init(&why, 2000);
	int err = config_read(&a.config, command, argv, &why);
	if (err == 0)
		err = app_check(&a, &why);
	int status;
	if (err < 0) {
		status = usage_wrong(buf_str(&why));
	} else if (a.config.check_config) {
		puts("the configuration is good");
		status = EXIT_OK;
	} else {
		log_parse_level(str_of(a.config.log_level), &level);
		log_set_level(level);
		signal(SIGPIPE, SIG_IGN);
		status = serve(&a);
	}
	buf_fini(&why);
	config_fini(&a.config);
	return status;
}

int command_serve(char **argv)
{
	return run(argv, SERVE);
}

int command_dev(char **argv)
{
	return run(argv, DEV);
}
