
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Text from outside in the forms that leave; all sequences of up to three
 * bytes are looked at by a second reader of UTF-8.
 */


#include <string.h>

#include "tap.h"
#include "guard.h"
#include "core/sigv4_escape.h"


static void test_escape(sigv4_escape_e form, const char *in, size_t len,
    const char *expected, const char *what);
static void test_utf8(void);
static size_t test_length(const uint8_t *p, size_t len);
static void test_space(void);


#define test(form, in, expected)                                              \
    test_escape(SIGV4_ESCAPE_##form, in, sizeof(in) - 1, expected,            \
                #form " of " #in)


int
main(void)
{
    test(UTF8, "plain text", "plain text");
    test(UTF8, "", "");
    test(UTF8, "a\n\"\\<", "a\n\"\\<");

    test(LINE, "a\nb\x7f\tc\"", "a?b??c\"");

    test(LABEL, "\"\\\n<&>'", "\\\"\\\\\\n<&>'");
    test(LABEL, "\\n", "\\\\n");
    test(LABEL, "\r\t", "\r\t");

    test(JSON, "\"\\\n\t\x01\x1f\x7f/", "\\\"\\\\\\n\\u0009\\u0001\\u001f"
                                         "\\u007f/");

    test(HTML, "<script>'\"&amp;\n", "&lt;script&gt;&#39;&quot;&amp;amp;?");

    /* RFC 3629, by hand */

    test(UTF8, "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
         "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80");
    test(UTF8, "\xff\xfe", "\xef\xbf\xbd\xef\xbf\xbd");
    test(UTF8, "\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd");
    test(UTF8, "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    test(UTF8, "\xf4\x90\x80\x80",
         "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    test(LABEL, "\xc3\"", "\xef\xbf\xbd\\\"");
    test(JSON, "\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd");
    test(HTML, "\xe2\x82<", "\xef\xbf\xbd\xef\xbf\xbd&lt;");

    test_escape(SIGV4_ESCAPE_JSON, "\0x", 2, "\\u0000x", "JSON: a NUL");
    test_escape(SIGV4_ESCAPE_HTML, NULL, 0, "", "HTML: nothing at all");

    test_utf8();
    test_space();

    return tap_done();
}


static void
test_escape(sigv4_escape_e form, const char *in, size_t len,
    const char *expected, const char *what)
{
    int          rc;
    uint8_t      out[256];
    sigv4_str_t  text;
    sigv4_buf_t  buf;

    text.data = (const uint8_t *) in;
    text.len = len;

    buf.last = out;
    buf.end = out + SIGV4_ESCAPE_GROWTH * len;

    rc = sigv4_escape(form, text, &buf);

    tap_ok(rc == SIGV4_OK
           && (size_t) (buf.last - out) == strlen(expected)
           && memcmp(out, expected, strlen(expected)) == 0, "%s", what);
}


/* each byte of what is no character becomes three */

static void
test_utf8(void)
{
    size_t       i, len, expected;
    uint8_t      in[3], out[3 * SIGV4_ESCAPE_GROWTH];
    uint32_t     n;
    unsigned     bad;
    sigv4_str_t  text;
    sigv4_buf_t  buf;

    bad = 0;
    text.data = in;
    text.len = 3;

    for (n = 0x800000; n < 0x1000000; n++) {
        in[0] = (uint8_t) (n >> 16);
        in[1] = (uint8_t) (n >> 8);
        in[2] = (uint8_t) n;

        expected = 0;

        for (i = 0; i < 3; i += len ? len : 1) {
            len = test_length(in + i, 3 - i);
            expected += len ? len : 3;
        }

        buf.last = out;
        buf.end = out + sizeof(out);

        if (sigv4_escape(SIGV4_ESCAPE_UTF8, text, &buf) != SIGV4_OK
            || (size_t) (buf.last - out) != expected)
        {
            bad++;
        }
    }

    tap_ok(bad == 0, "all of three bytes, %u are not right", bad);
}


/* decodes first and judges then, as the code under test does not */

static size_t
test_length(const uint8_t *p, size_t len)
{
    uint32_t  c;

    if (p[0] < 0x80) {
        return 1;
    }

    if ((p[0] & 0xe0) == 0xc0 && len >= 2 && (p[1] & 0xc0) == 0x80) {
        c = (uint32_t) (p[0] & 0x1f) << 6 | (p[1] & 0x3f);

        return c >= 0x80 ? 2 : 0;
    }

    if ((p[0] & 0xf0) == 0xe0 && len >= 3
        && (p[1] & 0xc0) == 0x80 && (p[2] & 0xc0) == 0x80)
    {
        c = (uint32_t) (p[0] & 0x0f) << 12 | (uint32_t) (p[1] & 0x3f) << 6
            | (p[2] & 0x3f);

        return (c >= 0x800 && (c < 0xd800 || c > 0xdfff)) ? 3 : 0;
    }

    return 0;
}


static void
test_space(void)
{
    uint8_t      out[16];
    sigv4_str_t  text;
    sigv4_buf_t  buf;

    text.data = (const uint8_t *) "ab\n";
    text.len = 3;

    buf.last = out;
    buf.end = out + 3;

    tap_ok(sigv4_escape(SIGV4_ESCAPE_LABEL, text, &buf) == SIGV4_NOSPACE
           && buf.last == out, "too small a buffer is left as it was");

    buf.end = out + 4;

    tap_ok(sigv4_escape(SIGV4_ESCAPE_LABEL, text, &buf) == SIGV4_OK
           && buf.last == out + 4, "one that is just large enough");
}
