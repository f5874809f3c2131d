
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Command lines and the words they are split into, written with a bar
 * behind each word.  The expectations are those of Python's shlex.split(),
 * which botocore uses.
 */


#include "tap.h"
#include "guard.h"
#include "providers/sigv4_words.h"


static void test_split(const char *line, const char *expected,
    const char *name);
static void test_invalid(const char *line, size_t len, const char *name);
static void test_space(void);


int
main(void)
{
    test_split("", "", "nothing");
    test_split(" \t\r\n ", "", "blanks");
    test_split("a", "a|", "one word");
    test_split("/bin/a b  c\td\n", "/bin/a|b|c|d|", "words");
    test_split("'a b' \"c d\"", "a b|c d|", "quotes");
    test_split("a'b c'd\"e f\"g", "ab cde fg|", "quotes within a word");
    test_split("'' \"\"", "||", "empty words");
    test_split("a '' b", "a||b|", "an empty word between others");
    test_split("''''", "|", "quotes that follow each other");
    test_split("a\\ b\\\"c\\'d\\\\e", "a b\"c'd\\e|", "escapes");
    test_split("\\a", "a|", "an escape of nothing special");
    test_split("\"a\\\"b\\\\c\\d\"", "a\"b\\c\\d|",
               "escapes in double quotes");
    test_split("'a\\b\\'", "a\\b\\|", "none in single quotes");
    test_split("\"it's\" 'say \"x\"'", "it's|say \"x\"|",
               "quotes in other quotes");
    test_split("$HOME `x` *.c a;b >c |d &", "$HOME|`x`|*.c|a;b|>c||d|&|",
               "what a shell would expand");
    test_split("a #b", "a|#b|", "no comments");
    test_split("a\\\nb", "a\nb|", "an escaped line end");
    test_split("\xc3\xa9 \xff", "\xc3\xa9|\xff|", "bytes that are not ASCII");

    test_invalid("a 'b", 4, "a single quote that is not closed");
    test_invalid("a \"b", 4, "a double quote that is not closed");
    test_invalid("\"a\\\"", 4, "nor by one that is escaped");
    test_invalid("\"a\\", 3, "a backslash within it at the end");
    test_invalid("a\\", 2, "a backslash at the end");
    test_invalid("\\", 1, "a backslash alone");
    test_invalid("'", 1, "a quote alone");
    test_invalid("a\0b", 3, "a NUL");

    test_space();

    return tap_done();
}


static void
test_split(const char *line, const char *expected, const char *name)
{
    size_t       i, n, bars;
    guard_t      in, out;
    sigv4_buf_t  buf;
    sigv4_str_t  str, got;

    str = tap_str(line);
    in = guard_copy(&str);
    out = guard_create(str.len + 1);

    buf.last = out.data;
    buf.end = out.data + out.size;

    tap_is_code(sigv4_words(str, &buf, &n), SIGV4_OK, name);

    got = tap_bytes(out.data, buf.last - out.data);
    bars = 0;

    for (i = 0; i < got.len; i++) {
        if (out.data[i] == '\0') {
            out.data[i] = '|';
            bars++;
        }
    }

    tap_is(got, tap_str(expected), name);
    tap_ok(bars == n, "%s: are counted", name);

    guard_destroy(in);
    guard_destroy(out);
}


static void
test_invalid(const char *line, size_t len, const char *name)
{
    size_t       n;
    guard_t      in, out;
    sigv4_buf_t  buf;
    sigv4_str_t  str;

    str = tap_bytes(line, len);
    in = guard_copy(&str);
    out = guard_create(len + 1);

    buf.last = out.data;
    buf.end = out.data + out.size;

    tap_is_code(sigv4_words(str, &buf, &n), SIGV4_INVALID, name);

    guard_destroy(in);
    guard_destroy(out);
}


static void
test_space(void)
{
    size_t       n;
    uint8_t      memory[4];
    sigv4_buf_t  buf;

    buf.last = memory;
    buf.end = memory + 3;

    tap_is_code(sigv4_words(tap_str("abc"), &buf, &n), SIGV4_NOSPACE,
                "a buffer that is too small");
    tap_ok(buf.last == memory, "is not used");

    buf.end = memory + 4;

    tap_is_code(sigv4_words(tap_str("abc"), &buf, &n), SIGV4_OK,
                "one that is just large enough");
}
