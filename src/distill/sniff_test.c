#include "distill/sniff.h"

#include <stdlib.h>

#include "http/test_head.h"

#define S(bytes)                         \
	(struct str)                     \
	{                                \
		bytes, sizeof(bytes) - 1 \
	}

static void
test_sizes(void **state)
{
	static const struct {
		struct str in;
		enum image_type type;
		unsigned width, height;
		bool moving;
	} t[] = {
		{S("\xff\xd8\xff\xe0\0\4xx\xff\xff\xc2\0\x11\x08\1\2\3\4"),
			TYPE_JPEG, 0x304, 0x102, false},
		{S("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0\0\0\0\2\x08\6\0\0\0"
		   "crc!"),
			TYPE_PNG, 256, 2, false},
		{S("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0\0\0\0\2\x08\6\0\0\0"
		   "crc!\0\0\0\x08"
		   "acTL"),
			TYPE_PNG, 256, 2, true},
		{S("GIF89a\1\2\3\4"), TYPE_GIF, 0x201, 0x403, false},
		{S("RIFF....WEBPVP8 ....fff\x9d\1\x2a\1\0\2\0"), TYPE_WEBP, 1,
			2, false},
		{S("RIFF....WEBPVP8X....\2...\xff\0\0\1\0\0"), TYPE_WEBP, 256,
			2, true},
		{S("RIFF....WEBPVP8L....\x2f\xff\xc0\0\0....."), TYPE_WEBP, 256,
			4, false},
	};
	struct sniff s;

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_true(sniff(t[i].in, &s));
		assert_int_equal(s.type, t[i].type);
		assert_int_equal(s.width, t[i].width);
		assert_int_equal(s.height, t[i].height);
		assert_int_equal(s.moving, t[i].moving);
	}
}

static void
test_none(void **state)
{
	struct sniff s;

	(void)state;
	assert_false(sniff(STR(""), &s));
	assert_false(sniff(STR("<svg>"), &s));
	assert_false(sniff(STR("RIFF....WAVEfmt "), &s));
	assert_false(sniff(S("GIF89a\0\0\3\4"), &s)); /* no pixels */
	/* data before any frame, or no frame */
	assert_false(sniff(S("\xff\xd8\xff\xda\0\4xxxxxxxxxxxxx"), &s));
	assert_false(sniff(S("\xff\xd8\xff\xe0\0\1xxxxxxxxxxxxx"), &s));
	assert_false(sniff(S("\xff\xd8\xff\xe0\xff\xff"), &s));
}

/* Nothing is read behind its end, wherever that is. */
static void
test_cut(void **state)
{
	const struct str whole = S(
		"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0\0\0\0\2\x08\6\0\0\0crc!"
		"\0\0\0\x08"
		"acTL");
	struct sniff s;

	(void)state;
	for (size_t n = 0; n < whole.n; n++) {
		char *copy = malloc(n + 1);

		memcpy(copy, whole.p, n);
		assert_int_equal(sniff(str_of(copy, n), &s), n >= 24);
		free(copy);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
