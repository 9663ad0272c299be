/* What a cluster of a WebM holds: when its blocks play, and where playing can begin. */
#include "recording/webm_block.h"

#include "base/err.h"
#include "base/mem.h"
#include "recording/ebml.h"

/* Too many: every second goes, and from now on they stand twice as far apart. */
static void thin_cues(struct webm *w)
{
	size_t kept = 0;
	for (size_t i = 0; i < w->n_cues; i += 2)
		w->cues[kept++] = w->cues[i];
	w->n_cues = kept;
	uint64_t span = w->cues[kept - 1].time - w->cues[0].time;
	w->cue_step = w->cue_step * 2 > span / kept ? w->cue_step * 2 : span / kept;
}

static int add_cue(struct webm *w, uint64_t time, uint64_t track, int64_t cluster)
{
	if (w->n_cues) {
		const struct webm_cue *last = &w->cues[w->n_cues - 1];
		if (last->cluster == cluster || time < last->time + w->cue_step)
			return 0;
	}
	if (w->n_cues == WEBM_MAX_CUES)
		thin_cues(w);
	struct webm_cue *grown = mem_grow(w->cues, w->n_cues, &w->cap_cues, sizeof *grown, 64);
	if (!grown)
		return ERR_NO_MEMORY;
	w->cues = grown;
	w->cues[w->n_cues++] = (struct webm_cue){time, track, cluster};
	return 0;
}

/* RFC 9559 §10.1: track, a signed 16 bit time, flags. A simple block says by its flags whether it is a key frame, one
 * of a group by referring to no other (§5.1.3.5). */
static int take_block(
	struct ebml_reader *r, struct webm *w, const struct ebml_element *e, const struct webm_cluster *c, bool refers)
{
	uint64_t track;
	uint8_t width = ebml_read_vint(r, e->body, &track);
	const unsigned char *p = width ? ebml_peek(r, e->body + width, 3) : NULL;
	if (!p || e->size < width + 3u)
		return 0;
	int64_t shift = (int16_t)(uint16_t)(p[0] << 8 | p[1]);
	uint64_t time = c->time + (uint64_t)shift;
	if (time > INT64_MAX / 2)
		return 0;
	if (w->has_block && time > w->last_time)
		w->last_step = time - w->last_time;
	if (!w->has_block || time > w->last_time)
		w->last_time = time;
	w->has_block = true;
	bool is_key = e->id == EBML_SIMPLE_BLOCK ? p[2] & 0x80 : !refers;
	bool opens = w->has_video ? track == w->video_track && is_key : true;
	return opens ? add_cue(w, time, track, c->e.start) : 0;
}

static int scan_group(
	struct ebml_reader *r, struct webm *w, const struct ebml_element *group, const struct webm_cluster *c)
{
	int64_t end = group->body + (int64_t)group->size;
	struct ebml_element e, block = {0};
	bool refers = false;
	int64_t at = group->body;
	for (; at < end; at = e.body + (int64_t)e.size) {
		if (!ebml_read_header(r, at, &e) || !ebml_fits(&e, end))
			break;
		if (e.id == EBML_BLOCK)
			block = e;
		refers |= e.id == EBML_REFERENCE_BLOCK;
	}
	return block.id ? take_block(r, w, &block, c, refers) : 0;
}

int webm_take_child(struct ebml_reader *r, struct webm *w, const struct ebml_element *e, struct webm_cluster *c)
{
	switch (e->id) {
	case EBML_TIMESTAMP: c->time = ebml_read_uint(r, e); return 0;
	case EBML_SIMPLE_BLOCK: return take_block(r, w, e, c, false);
	case EBML_BLOCK_GROUP: return scan_group(r, w, e, c);
	default: return 0;
	}
}
