/* Which statements a job is made of, and what their rows say for it. */
#include "base/err.h"
#include "store/pg.h"

static int send_find_command(struct pg_conn *c, struct pg_turn *t)
{
	struct pq q = pq_begin(c, PG_FIND_COMMAND);
	pq_text(&q, CONTAINER_OF(t->job, struct store_find_command, job)->command_id);
	return pg_turn_send(t, &q);
}

static int send_delete_recording(struct pg_conn *c, struct pg_turn *t)
{
	struct pq q = pq_begin(c, PG_DELETE_RECORDING);
	pq_text(&q, CONTAINER_OF(t->job, struct store_delete_recording, job)->id);
	return pg_turn_send(t, &q);
}

int pg_send_job(struct backend *b, struct pg_conn *c, struct pg_turn *t)
{
	switch ((enum write_kind)t->job->kind) {
	case JOB_COMMIT: return pg_send_change(b, c, t);
	case JOB_FIND_COMMAND: return send_find_command(c, t);
	case JOB_TOUCH: return pg_send_touch(c, t);
	case JOB_PUT_CHANNEL:
	case JOB_DELETE_CHANNEL:
	case JOB_PUT_USER:
	case JOB_DELETE_USER: return pg_send_people(b, c, t);
	case JOB_PUT_FLIGHT: return pg_send_flight(c, t);
	case JOB_PUT_DELIVERY: return pg_send_delivery(c, t);
	case JOB_DELETE_RECORDING: return send_delete_recording(c, t);
	}
	return ERR_INTERNAL;
}

void pg_take_result(struct pg_turn *t, enum pg_text which, const PGresult *res)
{
	bool is_there = PQntuples(res) > 0;
	switch (which) {
	case PG_FIND_COMMAND: CONTAINER_OF(t->job, struct store_find_command, job)->found = is_there; return;
	case PG_HAS_CHANNEL: CONTAINER_OF(t->job, struct store_put_channel, job)->created = !is_there; return;
	case PG_HAS_USER: CONTAINER_OF(t->job, struct store_put_user, job)->created = !is_there; return;
	case PG_HIDE_CHANNEL: CONTAINER_OF(t->job, struct store_delete_channel, job)->found = is_there; return;
	case PG_HIDE_USER: CONTAINER_OF(t->job, struct store_delete_user, job)->found = is_there; return;
	case PG_DELETE_RECORDING: CONTAINER_OF(t->job, struct store_delete_recording, job)->found = is_there; return;
	default: return;
	}
}
