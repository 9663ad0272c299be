/* Reading a WebM: its header, its clusters, where they can be entered, and where it breaks off; at once, or as far as
 * it has come. */
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "recording/ebml.h"
#include "recording/webm_block.h"

#define MAX_PART WEBM_GAP /* bytes of header, Info or Tracks that are kept */
#define MAX_STEP 1000	  /* ms between two blocks that still counts as the length of the last one */

struct webm_scan {
	struct webm w;
	struct ebml_reader reader; /* while it reads */
	int64_t at;		   /* of the first element that was not taken yet */
	bool in_segment;
	bool in_cluster;
	struct webm_cluster cluster;
	bool is_last; /* nothing comes behind what the source has */
};

static int64_t size_of(const struct webm_scan *s)
{
	return s->reader.source->size;
}

static int keep(struct webm_scan *s, int64_t from, int64_t to, struct buf *out)
{
	const unsigned char *p = to - from <= MAX_PART ? ebml_peek(&s->reader, from, (size_t)(to - from)) : NULL;
	if (!p)
		return s->reader.err ? s->reader.err : ERR_PROTOCOL;
	buf_put(out, str_n((const char *)p, (size_t)(to - from)));
	return out->err;
}

/* --- Info and Tracks: whole, and small --- */

static int scan_info(struct webm_scan *s, const struct ebml_element *info)
{
	int64_t end = info->body + (int64_t)info->size;
	struct ebml_element e;
	s->at = info->body;
	while (s->at < end) {
		if (!ebml_read_header(&s->reader, s->at, &e) || !ebml_fits(&e, end))
			return ERR_PROTOCOL;
		s->at = e.body + (int64_t)e.size;
		if (e.id == EBML_TIMESTAMP_SCALE)
			s->w.scale = ebml_read_uint(&s->reader, &e);
		int err = 0;
		if (e.id == EBML_DURATION)
			s->w.told_duration = ebml_read_float(&s->reader, &e);
		else
			err = keep(s, e.start, s->at, &s->w.info);
		if (err < 0)
			return err;
	}
	return s->w.scale && s->w.scale <= 1000000000 ? 0 : ERR_PROTOCOL;
}

static void scan_track(struct webm_scan *s, const struct ebml_element *track)
{
	int64_t end = track->body + (int64_t)track->size;
	uint64_t number = 0, type = 0;
	struct ebml_element e;
	s->at = track->body;
	while (s->at < end && ebml_read_header(&s->reader, s->at, &e) && ebml_fits(&e, end)) {
		if (e.id == EBML_TRACK_NUMBER)
			number = ebml_read_uint(&s->reader, &e);
		if (e.id == EBML_TRACK_TYPE)
			type = ebml_read_uint(&s->reader, &e);
		s->at = e.body + (int64_t)e.size;
	}
	if (type == 1 && !s->w.has_video) {
		s->w.has_video = true;
		s->w.video_track = number;
	}
}

static int scan_tracks(struct webm_scan *s, const struct ebml_element *tracks)
{
	int64_t end = tracks->body + (int64_t)tracks->size;
	struct ebml_element e;
	int err = keep(s, tracks->start, end, &s->w.tracks);
	s->at = tracks->body;
	while (!err && s->at < end) {
		if (!ebml_read_header(&s->reader, s->at, &e) || !ebml_fits(&e, end))
			return ERR_PROTOCOL;
		if (e.id == EBML_TRACK_ENTRY)
			scan_track(s, &e);
		s->at = e.body + (int64_t)e.size;
	}
	return err;
}

/* --- clusters --- */

static bool is_level_one(uint32_t id)
{
	return id == EBML_CLUSTER || id == EBML_CUES || id == EBML_TAGS || id == EBML_SEEK_HEAD || id == EBML_INFO ||
	       id == EBML_TRACKS || id == EBML_CHAPTERS || id == EBML_ATTACHMENTS;
}

/* It broke off in the middle, and is to be as long as its last whole child says. */
static void shorten(struct webm_scan *s, const struct ebml_element *cluster)
{
	s->w.is_cut = true;
	s->w.size_at = cluster->size_at;
	s->w.size_width = cluster->size_width;
	s->w.size_value = (uint64_t)(s->at - cluster->body);
}

/* No child can be taken. False: nor can anything else. */
static bool leave_cluster(struct webm_scan *s, bool is_over)
{
	const struct ebml_element *cluster = &s->cluster.e;
	bool known = cluster->size != EBML_UNKNOWN;
	bool is_whole = known ? ebml_fits(cluster, size_of(s)) : is_over;
	if (!is_whole && !s->is_last)
		return false;
	if (known && is_whole)
		s->at = cluster->body + (int64_t)cluster->size; /* what else it holds is its own business */
	else if (known)
		shorten(s, cluster);
	s->in_cluster = false;
	s->w.end = s->at;
	return !s->w.is_cut;
}

/* A child of the cluster, or (of unknown length) the first thing that stands beside it. 1: taken; 0: no more is there;
 * or an error. */
static int take_child(struct webm_scan *s)
{
	const struct ebml_element *cluster = &s->cluster.e;
	bool known = cluster->size != EBML_UNKNOWN;
	bool is_whole = known && ebml_fits(cluster, size_of(s));
	int64_t end = is_whole ? cluster->body + (int64_t)cluster->size : size_of(s);
	struct ebml_element e;
	if (s->at >= end || !ebml_read_header(&s->reader, s->at, &e))
		return leave_cluster(s, false);
	if (!known && is_level_one(e.id))
		return leave_cluster(s, true);
	if (!ebml_fits(&e, end))
		return leave_cluster(s, false);
	s->at = e.body + (int64_t)e.size;
	int err = webm_take_child(&s->reader, &s->w, &e, &s->cluster);
	return err ? err : 1;
}

/* --- level one --- */

static void add_stale(struct webm *w, const struct ebml_element *e)
{
	if (w->n_stale < WEBM_MAX_STALE)
		w->stale[w->n_stale++] = (struct webm_stale){e->start, (uint64_t)(e->body - e->start), e->size};
}

static void enter_cluster(struct webm_scan *s, const struct ebml_element *e)
{
	if (!s->w.first_cluster)
		s->w.first_cluster = e->start;
	s->w.is_open |= e->size == EBML_UNKNOWN;
	s->cluster = (struct webm_cluster){.e = *e};
	s->in_cluster = true;
	s->at = e->body;
}

static int scan_part(struct webm_scan *s, const struct ebml_element *e)
{
	int err = 0;
	if ((e->id == EBML_CUES || e->id == EBML_SEEK_HEAD) && s->w.first_cluster)
		add_stale(&s->w, e);
	if (e->id == EBML_INFO && !s->w.info.len)
		err = scan_info(s, e);
	else if (e->id == EBML_TRACKS && !s->w.tracks.len)
		err = scan_tracks(s, e);
	s->at = e->body + (int64_t)e->size;
	return err;
}

/* As take_child. */
static int take_part(struct webm_scan *s)
{
	struct ebml_element e;
	s->w.end = s->at;
	if (s->at >= size_of(s))
		return 0;
	bool is_there = ebml_read_header(&s->reader, s->at, &e);
	if (is_there && e.id == EBML_CLUSTER) {
		enter_cluster(s, &e);
		return 1;
	}
	if (!is_there || !ebml_fits(&e, size_of(s))) {
		s->w.is_cut |= s->is_last;
		return 0;
	}
	int err = scan_part(s, &e);
	s->w.end = s->at;
	return err ? err : 1;
}

/* As take_child: the header, and where the segment begins. */
static int take_header(struct webm_scan *s)
{
	struct ebml_element e, segment;
	if (!ebml_read_header(&s->reader, 0, &e) || !ebml_fits(&e, size_of(s)))
		return 0;
	int64_t end = e.body + (int64_t)e.size;
	if (!ebml_read_header(&s->reader, end, &segment))
		return 0;
	if (e.id != EBML_HEADER || segment.id != EBML_SEGMENT)
		return ERR_PROTOCOL;
	s->at = segment.body;
	s->in_segment = true;
	int err = keep(s, 0, end, &s->w.ebml);
	return err ? err : 1;
}

int webm_scan_more(struct webm_scan *s, const struct webm_source *source)
{
	int went = ebml_reader_init(&s->reader, source);
	went = went ? went : 1;
	while (went > 0 && !s->reader.err)
		went = s->in_cluster ? take_child(s) : s->in_segment ? take_part(s) : take_header(s);
	ebml_reader_fini(&s->reader);
	return s->reader.err ? s->reader.err : went;
}

static void start(struct webm *w)
{
	*w = (struct webm){.scale = 1000000};
	buf_init(&w->ebml, MAX_PART);
	buf_init(&w->info, MAX_PART);
	buf_init(&w->tracks, MAX_PART);
}

struct webm_scan *webm_scan_new(void)
{
	struct webm_scan *s = mem_new(sizeof *s);
	if (s)
		start(&s->w);
	return s;
}

void webm_scan_free(struct webm_scan *s)
{
	if (s)
		webm_fini(&s->w);
	mem_free(s);
}

size_t webm_scan_size(const struct webm_scan *s)
{
	const struct webm *w = &s->w;
	return sizeof *s + w->ebml.cap + w->info.cap + w->tracks.cap + w->cap_cues * sizeof *w->cues;
}

int webm_scan_end(struct webm_scan *s, const struct webm_source *source, struct webm *out)
{
	s->is_last = true;
	int err = webm_scan_more(s, source);
	*out = s->w;
	bool plays = out->tracks.len && out->info.len && out->first_cluster && out->has_block;
	start(&s->w);
	return err || plays ? err : ERR_PROTOCOL;
}

int webm_scan(const struct webm_source *source, struct webm *out)
{
	struct webm_scan s = {0};
	start(&s.w);
	return webm_scan_end(&s, source, out);
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
