/* Forms, cut into pieces in different ways: what comes out must not depend on the cuts. The first byte says how to cut.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "recording/multipart.h"

struct seen {
	uint64_t hash;
	size_t n_parts;
};

static void mix(struct seen *s, struct str bytes)
{
	for (size_t i = 0; i < bytes.len; i++)
		s->hash = (s->hash ^ (unsigned char)bytes.ptr[i]) * 1099511628211u;
}

static int on_part(void *arg, const struct multipart_part *part)
{
	struct seen *s = arg;
	s->n_parts++;
	mix(s, part->name);
	mix(s, part->filename);
	mix(s, part->content_type);
	return 0;
}

static int on_data(void *arg, struct str bytes)
{
	mix(arg, bytes);
	return 0;
}

static int feed(struct str bytes, size_t step, struct seen *out)
{
	struct multipart m;
	*out = (struct seen){.hash = 14695981039346656037u};
	int err = multipart_init(
		&m, STR("multipart/form-data; boundary=\"b\""), (struct multipart_cb){on_part, on_data, out});
	for (size_t at = 0; !err && at < bytes.len; at += step)
		err = multipart_feed(&m, str_n(bytes.ptr + at, bytes.len - at < step ? bytes.len - at : step));
	return err ? err : multipart_end(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seen whole, cut;
	struct multipart m;
	if (!size)
		return 0;
	struct str bytes = str_n((const char *)data + 1, size - 1);
	multipart_init(&m, bytes, (struct multipart_cb){on_part, on_data, &whole});
	int err = feed(bytes, bytes.len + 1, &whole);
	int cut_err = feed(bytes, 1 + data[0] % 7, &cut);
	if (err != cut_err || (!err && (whole.hash != cut.hash || whole.n_parts != cut.n_parts)))
		abort();
	return 0;
}
