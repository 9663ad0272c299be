/* A WebM of any kind is read, and what is written for it must be read again with the same duration. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "fuzz.h"
#include "recording/media.h"

struct file {
	const uint8_t *bytes;
	size_t size;
	size_t gap; /* zeros before the bytes */
	struct buf head, index;
	size_t end;
};

static int64_t read_plain(void *arg, int64_t at, void *into, size_t n)
{
	const struct file *f = arg;
	size_t left = f->size - (size_t)at;
	n = n < left ? n : left;
	memcpy(into, f->bytes + at, n);
	return (int64_t)n;
}

/* As finish.c lays it out. */
static int64_t read_finished(void *arg, int64_t at, void *into, size_t n)
{
	const struct file *f = arg;
	size_t size = WEBM_GAP + f->end + f->index.len, i = 0;
	for (; i < n && (size_t)at + i < size; i++) {
		size_t p = (size_t)at + i;
		uint8_t c = 0;
		if (p < f->head.len)
			c = (uint8_t)f->head.ptr[p];
		else if (p >= WEBM_GAP + f->end)
			c = (uint8_t)f->index.ptr[p - WEBM_GAP - f->end];
		else if (p >= WEBM_GAP)
			c = f->bytes[p - WEBM_GAP];
		((uint8_t *)into)[i] = c;
	}
	return (int64_t)i;
}

static void check_again(struct file *f, const struct webm *first)
{
	struct webm_source source = {read_finished, f, (int64_t)(WEBM_GAP + f->end + f->index.len)};
	struct webm again;
	int err = webm_scan(&source, &again);
	if (err && err != ERR_NO_MEMORY)
		abort();
	if (!err && llabs(webm_duration_ms(&again) - webm_duration_ms(first)) > 1 && !first->is_cut)
		abort();
	webm_fini(&again);
}

/* Read as it comes in, in steps that its last byte tells, it says the same; or gives up where the whole is refused. */
static void check_steps(struct file *f, const struct webm *want, int want_err)
{
	struct webm_scan *s = webm_scan_new();
	struct webm_source source = {read_plain, f, 0};
	struct webm w;
	int err = s ? 0 : ERR_NO_MEMORY;
	int64_t step = 1 + (int64_t)(f->size ? f->bytes[f->size - 1] : 0) * (int64_t)f->size / 512;
	for (; !err && source.size < (int64_t)f->size; source.size += step)
		err = webm_scan_more(s, &source);
	source.size = (int64_t)f->size;
	if (!err) {
		err = webm_scan_end(s, &source, &w);
		if (!err && !want_err &&
			(w.end != want->end || w.n_cues != want->n_cues || w.is_cut != want->is_cut ||
				webm_duration_ms(&w) != webm_duration_ms(want)))
			abort();
		webm_fini(&w);
	}
	webm_scan_free(s);
	if (err != want_err && err != ERR_NO_MEMORY && want_err != ERR_NO_MEMORY)
		abort();
}

/* What finish.c writes into the file itself: no longer than what stood there. */
static void check_mends(const struct webm *w)
{
	uint8_t bytes[16];
	if (w->size_at)
		webm_format_size(w, bytes);
	for (size_t i = 0; i < w->n_stale; i++)
		if (webm_format_void(&w->stale[i], bytes) > w->stale[i].n_header)
			abort();
}

static void sniff(struct str first)
{
	enum media_kind kind;
	if (media_sniff(first, &kind) == 0 && !media_type(kind, first))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct file f = {.bytes = data, .size = size};
	struct webm_source source = {read_plain, &f, (int64_t)size};
	struct webm w;
	int err = webm_scan(&source, &w);
	check_steps(&f, &w, err);
	if (err == 0) {
		buf_init(&f.head, WEBM_GAP);
		buf_init(&f.index, 4 << 20);
		f.end = (size_t)w.end;
		if (w.end < w.first_cluster || w.end > (int64_t)size)
			abort();
		check_mends(&w);
		if (webm_write(&w, &f.head, &f.index) == 0 && !w.size_at && !w.n_stale)
			check_again(&f, &w);
		buf_fini(&f.head);
		buf_fini(&f.index);
	}
	webm_fini(&w);
	sniff(str_n((const char *)data, size));
	media_mp4_duration_ms(&source);
	media_ogg_duration_ms(&source);
	return 0;
}
