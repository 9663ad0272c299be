/* check: cmocka with its includes in their order. */
#ifndef BELLWIRE_TESTS_CHECK_H
#define BELLWIRE_TESTS_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"

/* A str against a literal, shown as text when it differs. */
#define check_str(got, want)                                                                                           \
	do {                                                                                                           \
		struct str got_ = (got);                                                                               \
		assert_int_equal(got_.len, strlen(want));                                                              \
		if (got_.len)                                                                                          \
			assert_memory_equal(got_.ptr, (want), got_.len);                                               \
	} while (0)

#endif
