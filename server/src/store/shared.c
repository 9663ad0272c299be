/* What both backends ask of a job: whose order it keeps, where its page begins. */
#include "store/backend.h"

const char *job_owner(const struct store_job *job)
{
	switch ((enum write_kind)job->kind) {
	case JOB_COMMIT: return CONTAINER_OF(job, struct change_set, job)->owner;
	case JOB_FIND_COMMAND: return CONTAINER_OF(job, struct store_find_command, job)->owner;
	case JOB_TOUCH: return CONTAINER_OF(job, struct store_touch, job)->owner;
	case JOB_PUT_CHANNEL: return CONTAINER_OF(job, struct store_put_channel, job)->id;
	case JOB_DELETE_CHANNEL: return CONTAINER_OF(job, struct store_delete_channel, job)->id;
	case JOB_PUT_USER: return CONTAINER_OF(job, struct store_put_user, job)->user.id;
	case JOB_DELETE_USER: return CONTAINER_OF(job, struct store_delete_user, job)->id;
	default: return "";
	}
}

/* `until` is a place like any other: before every id of that millisecond. */
struct history_cursor history_first_place(const struct store_read_history *q)
{
	struct history_cursor after = q->after;
	if (!after.started_at)
		after = (struct history_cursor){.started_at = INT64_MAX};
	if (q->until && q->until <= after.started_at)
		after = (struct history_cursor){.started_at = q->until};
	return after;
}
