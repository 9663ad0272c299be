/* fake: a TURN core without sockets, and a client that signs its requests. */
#ifndef BELLWIRE_TESTS_TURN_FAKE_H
#define BELLWIRE_TESTS_TURN_FAKE_H

#include "turn/core.h"

#define FAKE_SECRET STR("0123456789abcdef0123456789abcdef")
#define FAKE_WALL_S 1790000000

struct fake {
	struct turn_shared *shared;
	struct turn_core *core;
	int next_fd;
	int n_open;
	int n_gone;
	bool refuse_bind;
};

struct fake_client {
	struct fake *f;
	struct turn_path path;
	struct turn_credentials login;
	uint8_t key[32];
	size_t key_len;
	bool sha256;
	bool userhash; /* names itself by USERHASH */
	char nonce[128];
	uint32_t serial;
	/* of the last answer */
	struct stun_msg answer;
	unsigned code; /* 0: success; 1: no answer */
};

/* A configuration on 198.51.100.1 and 2001:db8::1 that listens and relays there. */
void fake_config(struct turn_config *cfg);
void fake_start(struct fake *f, const struct turn_config *cfg);
void fake_stop(struct fake *f);

/* "1.2.3.4:5" or "[::1]:5" */
struct stun_addr fake_addr(const char *text);

void fake_client(struct fake_client *cl, struct fake *f, const char *from, const char *user);

/* A request with credentials being written, and sent. `w` is good until the next. */
struct stun_writer *fake_begin(struct fake_client *cl, enum stun_method method);
unsigned fake_send(struct fake_client *cl);

/* Common requests; return the code of the answer, 0 for success. The first fetches a nonce. */
unsigned fake_allocate(struct fake_client *cl);
unsigned fake_refresh(struct fake_client *cl, uint32_t lifetime_s);
unsigned fake_permit(struct fake_client *cl, const char *peer);
unsigned fake_bind_channel(struct fake_client *cl, const char *peer, uint16_t number);

/* Data; what happened is in out. */
enum turn_verdict fake_send_indication(
	struct fake_client *cl, const char *peer, struct str data, struct turn_move *out);
enum turn_verdict fake_channel_data(struct fake_client *cl, uint16_t number, struct str data, struct turn_move *out);
enum turn_verdict fake_from_peer(struct fake_client *cl, const char *peer, struct str data, struct turn_move *out);

/* Time goes on by so much, and what it ends ends. */
void fake_pass_seconds(struct fake *f, int seconds);

/* Of the last answer. */
struct stun_addr fake_relayed(const struct fake_client *cl);
uint32_t fake_lifetime(const struct fake_client *cl);

/* What most tests play on: a server, and two clients of two users. cfg may be changed before stage_open; tearing down
 * checks that no socket is left open. */
struct stage {
	struct turn_config cfg;
	struct fake f;
	struct fake_client ann, bob;
};

int stage_set_up(void **state);
void stage_open(struct stage *s);
int stage_tear_down(void **state);

#endif
