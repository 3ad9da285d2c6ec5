/*
 * Any bytes as a configuration: they are a configuration, which written out is
 * the same one again, or they have at least one mistake with a place in them.
 */
#include "base/check.h"
#include "conf/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
write_and_parse(const struct conf *c)
{
	struct buf first = {0}, second = {0};
	struct conf_errors errors;
	struct conf *again;

	conf_dump(c, &first);
	CHECK(conf_parse(buf_view(&first), &again, &errors) == 0);
	conf_dump(again, &second);
	CHECK(str_eq(buf_view(&first), buf_view(&second)));
	conf_errors_fini(&errors);
	conf_free(again);
	buf_fini(&first);
	buf_fini(&second);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf_errors errors;
	struct conf *c;

	if (conf_parse(str_of((const char *)data, size), &c, &errors) == 0) {
		CHECK(errors.n == 0);
		write_and_parse(c);
		conf_free(c);
		return 0;
	}
	CHECK(errors.n > 0);
	for (size_t i = 0; i < errors.n; i++)
		CHECK(errors.v[i].line > 0 && errors.v[i].column > 0 &&
			errors.v[i].text[0] && errors.v[i].hint[0]);
	conf_errors_fini(&errors);
	return 0;
}
