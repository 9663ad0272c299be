/* The PROXY protocol's binary header: signature, command, family, length, addresses; what follows them is skipped. */
#include "net/proxy.h"

#include <string.h>

#include "base/err.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define SIGNATURE_SIZE 12
#define FIXED_SIZE 16
#define VERSION_2 0x20
#define COMMAND_LOCAL 0
#define COMMAND_PROXY 1
#define STREAM_V4 0x11
#define STREAM_V6 0x21
#define V4_SIZE 12 /* two addresses, two ports */
#define V6_SIZE 36

static int parse_source(const unsigned char *b, size_t n, struct addr *source)
{
	*source = (struct addr){0};
	switch (b[13]) {
	case STREAM_V4:
		if (n < V4_SIZE)
			return ERR_PROTOCOL;
		source->v4.sin_family = AF_INET;
		memcpy(&source->v4.sin_addr, b + FIXED_SIZE, 4);
		memcpy(&source->v4.sin_port, b + FIXED_SIZE + 8, 2);
		return PROXY_SPEAKS;
	case STREAM_V6:
		if (n < V6_SIZE)
			return ERR_PROTOCOL;
		source->v6.sin6_family = AF_INET6;
		memcpy(&source->v6.sin6_addr, b + FIXED_SIZE, 16);
		memcpy(&source->v6.sin6_port, b + FIXED_SIZE + 32, 2);
		return PROXY_SPEAKS;
	default: return PROXY_LOCAL;
	}
}

int proxy_parse(struct str bytes, size_t *used, struct addr *source)
{
	const unsigned char *b = (const unsigned char *)bytes.ptr;
	size_t known = bytes.len < SIGNATURE_SIZE ? bytes.len : SIGNATURE_SIZE;
	if (known && memcmp(b, SIGNATURE, known) != 0)
		return ERR_PROTOCOL;
	if (bytes.len < FIXED_SIZE)
		return ERR_AGAIN;
	size_t n = (size_t)(b[14] << 8 | b[15]);
	unsigned command = b[12] & 0x0Fu;
	if ((b[12] & 0xF0) != VERSION_2 || command > COMMAND_PROXY || FIXED_SIZE + n > PROXY_MAX_HEADER)
		return ERR_PROTOCOL;
	if (bytes.len < FIXED_SIZE + n)
		return ERR_AGAIN;
	*used = FIXED_SIZE + n;
	return command == COMMAND_LOCAL ? PROXY_LOCAL : parse_source(b, n, source);
}
