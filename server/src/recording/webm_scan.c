/* Reading a WebM: its header, its clusters, where they can be entered, and where it breaks off. */
#include "recording/webm.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "recording/ebml.h"

#define WINDOW 65536
#define GLANCE 2048	  /* read where the scan has skipped something: mostly a header is all that it wants there */
#define MAX_PART WEBM_GAP /* bytes of header, Info or Tracks that are kept */
#define UNKNOWN UINT64_MAX
#define MAX_STEP 1000 /* ms between two blocks that still counts as the length of the last one */

struct scan {
	const struct webm_source *source;
	struct webm *w;
	unsigned char *window; /* owned */
	int64_t window_at;
	size_t window_n;
	size_t reach; /* bytes of the next read: more from one to the next, as long as nothing is skipped */
	int64_t at;
	bool had_block;
	int err; /* of the source */
};

struct element {
	uint32_t id;
	uint64_t size; /* UNKNOWN: until something that is no child */
	int64_t start; /* of its header */
	int64_t size_at;
	uint8_t size_width;
	int64_t body;
};

/* Frames are skipped, so reading all would mean reading many times what is looked at. */
static size_t next_reach(const struct scan *s, int64_t at, size_t n)
{
	bool goes_on = at >= s->window_at && at <= s->window_at + (int64_t)s->window_n;
	size_t reach = goes_on ? 2 * s->reach : GLANCE;
	reach = reach < WINDOW ? reach : WINDOW;
	return reach > n ? reach : n;
}

/* At least n bytes at `at`, if there are so many; null otherwise. */
static const unsigned char *peek(struct scan *s, int64_t at, size_t n)
{
	if (at < 0 || at > s->source->size || (int64_t)n > s->source->size - at)
		return NULL;
	if (at < s->window_at || at + (int64_t)n > s->window_at + (int64_t)s->window_n) {
		int64_t left = s->source->size - at;
		s->reach = next_reach(s, at, n);
		size_t most = left < (int64_t)s->reach ? (size_t)left : s->reach;
		int64_t got = s->source->read(s->source->arg, at, s->window, most);
		if (got < 0)
			s->err = (int)got;
		if (got < (int64_t)n)
			return NULL;
		s->window_at = at;
		s->window_n = (size_t)got;
	}
	return s->window + (at - s->window_at);
}

/* RFC 8794 §4: the number of leading zero bits tells the width; of sizes the marker is taken off. 0: none there. */
static uint8_t read_vint(struct scan *s, int64_t at, uint8_t max_width, bool keep_marker, uint64_t *out)
{
	const unsigned char *first = peek(s, at, 1);
	uint8_t width = 1;
	if (!first || !*first)
		return 0;
	while (!(*first & (0x80 >> (width - 1))))
		width++;
	const unsigned char *p = width <= max_width ? peek(s, at, width) : NULL;
	if (!p)
		return 0;
	uint64_t value = keep_marker ? p[0] : p[0] & (0xff >> width);
	bool ones = value == (keep_marker ? UNKNOWN : (uint64_t)(0xff >> width));
	for (uint8_t i = 1; i < width; i++) {
		value = value << 8 | p[i];
		ones &= p[i] == 0xff;
	}
	*out = !keep_marker && ones ? UNKNOWN : value;
	return width;
}

/* The header at s->at. False at the end, or where nothing can be read. */
static bool read_header(struct scan *s, struct element *e)
{
	uint64_t id;
	e->start = s->at;
	uint8_t id_width = read_vint(s, s->at, 4, true, &id);
	if (!id_width)
		return false;
	e->id = (uint32_t)id;
	e->size_at = s->at + id_width;
	e->size_width = read_vint(s, e->size_at, 8, false, &e->size);
	e->body = e->size_at + e->size_width;
	return e->size_width != 0;
}

static bool is_whole(const struct scan *s, const struct element *e)
{
	return e->size <= (uint64_t)(s->source->size - e->body);
}

static uint64_t read_uint(struct scan *s, const struct element *e)
{
	uint64_t value = 0;
	const unsigned char *p = e->size <= 8 ? peek(s, e->body, (size_t)e->size) : NULL;
	for (uint64_t i = 0; p && i < e->size; i++)
		value = value << 8 | p[i];
	return value;
}

static double read_float(struct scan *s, const struct element *e)
{
	uint64_t bits = read_uint(s, e);
	uint32_t half = (uint32_t)bits;
	double wide = 0;
	float narrow = 0;
	if (e->size == 8)
		memcpy(&wide, &bits, sizeof wide);
	memcpy(&narrow, &half, sizeof narrow);
	return e->size == 8 ? wide : e->size == 4 ? (double)narrow : 0;
}

static int keep(struct scan *s, int64_t from, int64_t to, struct buf *out)
{
	const unsigned char *p = to - from <= MAX_PART ? peek(s, from, (size_t)(to - from)) : NULL;
	if (!p)
		return s->err ? s->err : ERR_PROTOCOL;
	buf_put(out, str_n((const char *)p, (size_t)(to - from)));
	return out->err;
}

/* --- Info and Tracks: whole, and small --- */

static int scan_info(struct scan *s, const struct element *info)
{
	int64_t end = info->body + (int64_t)info->size;
	struct element e;
	s->at = info->body;
	while (s->at < end) {
		if (!read_header(s, &e) || e.size > (uint64_t)(end - e.body))
			return ERR_PROTOCOL;
		s->at = e.body + (int64_t)e.size;
		if (e.id == EBML_TIMESTAMP_SCALE)
			s->w->scale = read_uint(s, &e);
		int err = 0;
		if (e.id == EBML_DURATION)
			s->w->told_duration = read_float(s, &e);
		else
			err = keep(s, e.start, s->at, &s->w->info);
		if (err < 0)
			return err;
	}
	return s->w->scale && s->w->scale <= 1000000000 ? 0 : ERR_PROTOCOL;
}

static void scan_track(struct scan *s, const struct element *track)
{
	int64_t end = track->body + (int64_t)track->size;
	uint64_t number = 0, type = 0;
	struct element e;
	s->at = track->body;
	while (s->at < end && read_header(s, &e) && e.size <= (uint64_t)(end - e.body)) {
		if (e.id == EBML_TRACK_NUMBER)
			number = read_uint(s, &e);
		if (e.id == EBML_TRACK_TYPE)
			type = read_uint(s, &e);
		s->at = e.body + (int64_t)e.size;
	}
	if (type == 1 && !s->w->has_video) {
		s->w->has_video = true;
		s->w->video_track = number;
	}
}

static int scan_tracks(struct scan *s, const struct element *tracks)
{
	int64_t end = tracks->body + (int64_t)tracks->size;
	struct element e;
	int err = keep(s, tracks->start, end, &s->w->tracks);
	s->at = tracks->body;
	while (!err && s->at < end) {
		if (!read_header(s, &e) || e.size > (uint64_t)(end - e.body))
			return ERR_PROTOCOL;
		if (e.id == EBML_TRACK_ENTRY)
			scan_track(s, &e);
		s->at = e.body + (int64_t)e.size;
	}
	return err;
}

/* --- clusters --- */

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
	if (w->n_cues == w->cap_cues) {
		size_t cap = w->cap_cues ? 2 * w->cap_cues : 64;
		struct webm_cue *more = mem_resize(w->cues, cap * sizeof *more);
		if (!more)
			return ERR_NO_MEMORY;
		w->cues = more;
		w->cap_cues = cap;
	}
	w->cues[w->n_cues++] = (struct webm_cue){time, track, cluster};
	return 0;
}

struct cluster {
	int64_t start;
	uint64_t time;
};

/* RFC 9559 §10.1: track, a signed 16 bit time, flags. */
static int take_block(struct scan *s, const struct element *e, const struct cluster *c, bool is_key)
{
	uint64_t track;
	uint8_t width = read_vint(s, e->body, 8, false, &track);
	const unsigned char *p = width ? peek(s, e->body + width, 3) : NULL;
	if (!p || e->size < width + 3u)
		return 0;
	int64_t shift = (int16_t)(uint16_t)(p[0] << 8 | p[1]);
	uint64_t time = c->time + (uint64_t)shift;
	struct webm *w = s->w;
	if (time > INT64_MAX / 2)
		return 0;
	if (s->had_block && time > w->last_time)
		w->last_step = time - w->last_time;
	if (!s->had_block || time > w->last_time)
		w->last_time = time;
	s->had_block = true;
	bool opens = w->has_video ? track == w->video_track && is_key : true;
	return opens ? add_cue(w, time, track, c->start) : 0;
}

/* A block in a group is a key frame when it refers to no other (RFC 9559 §5.1.3.5). */
static int scan_group(struct scan *s, const struct element *group, const struct cluster *c)
{
	int64_t end = group->body + (int64_t)group->size;
	struct element e, block = {0};
	bool refers = false;
	int64_t at = group->body;
	for (; at < end; at = e.body + (int64_t)e.size) {
		s->at = at;
		if (!read_header(s, &e) || e.size > (uint64_t)(end - e.body))
			break;
		if (e.id == EBML_BLOCK)
			block = e;
		refers |= e.id == EBML_REFERENCE_BLOCK;
	}
	return block.id ? take_block(s, &block, c, !refers) : 0;
}

static int scan_child(struct scan *s, const struct element *e, struct cluster *c)
{
	switch (e->id) {
	case EBML_TIMESTAMP: c->time = read_uint(s, e); return 0;
	case EBML_SIMPLE_BLOCK: {
		uint64_t track;
		uint8_t width = read_vint(s, e->body, 8, false, &track);
		const unsigned char *flags = width ? peek(s, e->body + width + 2, 1) : NULL;
		return take_block(s, e, c, flags && *flags & 0x80);
	}
	case EBML_BLOCK_GROUP: return scan_group(s, e, c);
	default: return 0;
	}
}

static bool is_level_one(uint32_t id)
{
	return id == EBML_CLUSTER || id == EBML_CUES || id == EBML_TAGS || id == EBML_SEEK_HEAD || id == EBML_INFO ||
	       id == EBML_TRACKS || id == EBML_CHAPTERS || id == EBML_ATTACHMENTS;
}

/* Children until the cluster's end, or (of unknown length) until something that stands beside it. s->at: where the
 * last whole child ended. */
static int scan_cluster(struct scan *s, const struct element *cluster)
{
	struct cluster c = {.start = cluster->start};
	bool known = cluster->size != UNKNOWN;
	s->w->is_open |= !known;
	int64_t end = known && is_whole(s, cluster) ? cluster->body + (int64_t)cluster->size : s->source->size;
	struct element e;
	int err = 0;
	int64_t at = cluster->body;
	while (at < end && !err) {
		s->at = at;
		if (!read_header(s, &e) || (!known && is_level_one(e.id)))
			break;
		if (e.size > (uint64_t)(end - e.body))
			break;
		at = e.body + (int64_t)e.size;
		err = scan_child(s, &e, &c);
	}
	s->at = at;
	if (known && !is_whole(s, cluster)) {
		s->w->is_cut = true;
		s->w->size_at = cluster->size_at;
		s->w->size_width = cluster->size_width;
		s->w->size_value = (uint64_t)(at - cluster->body);
	} else if (known) {
		s->at = end; /* what it holds is its own business */
	}
	return err;
}

/* --- level one --- */

static void add_stale(struct webm *w, const struct element *e)
{
	if (w->n_stale < WEBM_MAX_STALE)
		w->stale[w->n_stale++] = (struct webm_stale){e->start, (uint64_t)(e->body - e->start), e->size};
}

static int scan_part(struct scan *s, const struct element *e)
{
	int64_t end = e->body + (int64_t)e->size;
	int err = 0;
	if (e->id == EBML_CLUSTER) {
		if (!s->w->first_cluster)
			s->w->first_cluster = e->start;
		return scan_cluster(s, e);
	}
	if ((e->id == EBML_CUES || e->id == EBML_SEEK_HEAD) && s->w->first_cluster)
		add_stale(s->w, e);
	if (e->id == EBML_INFO && !s->w->info.len)
		err = scan_info(s, e);
	else if (e->id == EBML_TRACKS && !s->w->tracks.len)
		err = scan_tracks(s, e);
	s->at = end;
	return err;
}

static int scan_segment(struct scan *s)
{
	struct element e;
	int err = 0;
	while (!err && s->at < s->source->size) {
		int64_t start = s->at;
		s->w->end = start;
		if (!read_header(s, &e) || (e.id != EBML_CLUSTER && (e.size == UNKNOWN || !is_whole(s, &e)))) {
			s->w->is_cut = true;
			break;
		}
		err = scan_part(s, &e);
		s->w->end = s->at;
		if (s->at <= start)
			return ERR_PROTOCOL;
		if (e.id == EBML_CLUSTER && s->w->is_cut)
			break;
	}
	return err;
}

static int scan(struct scan *s)
{
	struct element e;
	if (!read_header(s, &e) || e.id != EBML_HEADER || !is_whole(s, &e))
		return ERR_PROTOCOL;
	int err = keep(s, 0, e.body + (int64_t)e.size, &s->w->ebml);
	s->at = e.body + (int64_t)e.size;
	if (err < 0)
		return err;
	if (!read_header(s, &e) || e.id != EBML_SEGMENT)
		return ERR_PROTOCOL;
	s->at = e.body;
	err = scan_segment(s);
	if (err < 0)
		return err;
	if (!s->w->tracks.len || !s->w->info.len || !s->w->first_cluster || !s->had_block)
		return ERR_PROTOCOL;
	return 0;
}

int webm_scan(const struct webm_source *source, struct webm *out)
{
	struct scan s = {.source = source, .w = out, .window = mem_new(WINDOW), .reach = GLANCE};
	*out = (struct webm){.scale = 1000000};
	buf_init(&out->ebml, MAX_PART);
	buf_init(&out->info, MAX_PART);
	buf_init(&out->tracks, MAX_PART);
	if (!s.window)
		return ERR_NO_MEMORY;
	int err = scan(&s);
	mem_free(s.window);
	return s.err ? s.err : err;
}

void webm_fini(struct webm *w)
{
	buf_fini(&w->ebml);
	buf_fini(&w->info);
	buf_fini(&w->tracks);
	mem_free(w->cues);
	w->cues = NULL;
}

/* What is no number, or no length of a recording, counts as not known. */
static int64_t to_ms(const struct webm *w, double units)
{
	double ms = units * (double)w->scale / 1e6;
	return ms >= 0 && ms < 1e12 ? (int64_t)ms : 0;
}

int64_t webm_duration_ms(const struct webm *w)
{
	if (w->told_duration > 0 && !w->is_cut)
		return to_ms(w, w->told_duration);
	uint64_t max_step = MAX_STEP * 1000000ull / w->scale;
	return to_ms(w, (double)w->last_time + (double)(w->last_step < max_step ? w->last_step : 0));
}
