
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * UriEncode, and the repair of paths and queries before they are sent.
 */


#include "guard.h"
#include "tap.h"


#define test_bytes(s)             { sizeof(s) - 1, (const uint8_t *) s }


typedef int (*test_repair_pt)(sigv4_buf_t *buf, sigv4_str_t in,
    sigv4_str_t *out);


typedef struct {
    sigv4_str_t                   in;
    sigv4_str_t                   out;
    const char                   *name;
} test_case_t;


static void test_unreserved(void);
static void test_uri_encode(void);
static void test_repair(test_repair_pt repair, const test_case_t *tc,
    size_t n);
static void test_repair_bytes(test_repair_pt repair, const char *name,
    const char *raw);
static void test_repair_nospace(test_repair_pt repair, const char *name);


static const test_case_t  test_paths[] = {
    { test_bytes(""), test_bytes("/"), "path: empty becomes /" },
    { test_bytes("/"), test_bytes("/"), "path: / stays" },
    { test_bytes("/a/b.c-d_e~f"), test_bytes("/a/b.c-d_e~f"),
      "path: unreserved bytes stay" },
    { test_bytes("/a+b:c@d!$&'()*,;="),
      test_bytes("/a+b:c@d!$&'()*,;="),
      "path: bytes that may stand raw stay" },
    { test_bytes("/v1%3A0/%e9%7E"), test_bytes("/v1%3A0/%e9%7E"),
      "path: escapes stay as they are" },
    { test_bytes("//a/../b/./c%2Fd"), test_bytes("//a/../b/./c%2Fd"),
      "path: slashes and dots stay" },
    { test_bytes("/a b"), test_bytes("/a%20b"), "path: space" },
    { test_bytes("/a\"<>[\\]^`{|}#?"),
      test_bytes("/a%22%3C%3E%5B%5C%5D%5E%60%7B%7C%7D%23%3F"),
      "path: visible bytes that may not stand raw" },
    { test_bytes("/\r\n\t\0\x7f"), test_bytes("/%0D%0A%09%00%7F"),
      "path: controls, NUL, DEL" },
    { test_bytes("/caf\xe9/\xe2\x98\x83"),
      test_bytes("/caf%E9/%E2%98%83"),
      "path: octets above 0x7f, in UTF-8 or not" },
    { test_bytes("/100%"), test_bytes("/100%25"), "path: % at the end" },
    { test_bytes("/%4"), test_bytes("/%254"), "path: % and one digit" },
    { test_bytes("/%zz%4g%%41"), test_bytes("/%25zz%254g%25%41"),
      "path: % without two digits" }
};


static const test_case_t  test_s3_paths[] = {
    { test_bytes(""), test_bytes("/"), "S3 path: empty becomes /" },
    { test_bytes("/bucket/a.b-c_d~e"), test_bytes("/bucket/a.b-c_d~e"),
      "S3 path: unreserved bytes stay" },
    { test_bytes("/Q1%20%28x%29"), test_bytes("/Q1%20%28x%29"),
      "S3 path: canonical escapes stay" },
    { test_bytes("/a+b"), test_bytes("/a%2Bb"), "S3 path: + is a plus" },
    { test_bytes("/a%2Bb"), test_bytes("/a%2Bb"), "S3 path: %2B stays" },
    { test_bytes("/a%2Fb"), test_bytes("/a/b"),
      "S3 path: %2F becomes /" },
    { test_bytes("/a%2fb"), test_bytes("/a/b"),
      "S3 path: so does %2f" },
    { test_bytes("//a//b/./c/../d"), test_bytes("//a//b/./c/../d"),
      "S3 path: slashes and dots stay" },
    { test_bytes("/q(1)!*':@&=$,;[]"),
      test_bytes("/q%281%29%21%2A%27%3A%40%26%3D%24%2C%3B%5B%5D"),
      "S3 path: reserved bytes are escaped" },
    { test_bytes("/%e9%3a"), test_bytes("/%E9%3A"),
      "S3 path: upper case" },
    { test_bytes("/%7E%41%2e"), test_bytes("/~A."),
      "S3 path: unreserved escapes are decoded" },
    { test_bytes("/%2541"), test_bytes("/%2541"),
      "S3 path: decoded once, not twice" },
    { test_bytes("/%"), test_bytes("/%25"), "S3 path: % at the end" },
    { test_bytes("/%4x%%32"), test_bytes("/%254x%252"),
      "S3 path: % without two digits" },
    { test_bytes("/a b\n\xe9\0?#"), test_bytes("/a%20b%0A%E9%00%3F%23"),
      "S3 path: bytes that may not stand raw" }
};


static const test_case_t  test_queries[] = {
    { test_bytes(""), test_bytes(""), "query: empty stays" },
    { test_bytes("b=2&a=1&&c&=&d=1=2"), test_bytes("b=2&a=1&&c&=&d=1=2"),
      "query: order and form stay" },
    { test_bytes("a=/?:@!$'()*,;-._~"),
      test_bytes("a=/?:@!$'()*,;-._~"),
      "query: bytes that may stand raw stay" },
    { test_bytes("a=%7e%2f%41%2B"), test_bytes("a=%7e%2f%41%2B"),
      "query: escapes stay as they are" },
    { test_bytes("a=x+y&b+c"), test_bytes("a=x%20y&b%20c"),
      "query: + becomes %20" },
    { test_bytes("a=x y"), test_bytes("a=x%20y"), "query: space" },
    { test_bytes("a[]=1&a[b]=[]"), test_bytes("a%5B%5D=1&a%5Bb%5D=%5B%5D"),
      "query: brackets, which RFC 3986 allows in hosts alone" },
    { test_bytes("a=\"<>\\^`{|}#"),
      test_bytes("a=%22%3C%3E%5C%5E%60%7B%7C%7D%23"),
      "query: visible bytes that may not stand raw" },
    { test_bytes("a=\r\n\0\x7f\xff"), test_bytes("a=%0D%0A%00%7F%FF"),
      "query: controls, NUL, DEL, octets above 0x7f" },
    { test_bytes("a=100%&b=%2&c=%zz%"),
      test_bytes("a=100%25&b=%252&c=%25zz%25"),
      "query: % without two digits" }
};


int
main(void)
{
    test_unreserved();
    test_uri_encode();

    test_repair(sigv4_wire_path, test_paths,
                sizeof(test_paths) / sizeof(test_paths[0]));
    test_repair(sigv4_wire_path_s3, test_s3_paths,
                sizeof(test_s3_paths) / sizeof(test_s3_paths[0]));
    test_repair(sigv4_wire_query, test_queries,
                sizeof(test_queries) / sizeof(test_queries[0]));

    test_repair_bytes(sigv4_wire_path, "path",
                      "-._~/!$&'()*+,;=:@");
    test_repair_bytes(sigv4_wire_path_s3, "S3 path", "-._~/");
    test_repair_bytes(sigv4_wire_query, "query",
                      "-._~/!$&'()*,;=:@?");

    test_repair_nospace(sigv4_wire_path, "path");
    test_repair_nospace(sigv4_wire_path_s3, "S3 path");
    test_repair_nospace(sigv4_wire_query, "query");

    return tap_done();
}


static int
test_is_alnum(int c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z')
           || (c >= 'a' && c <= 'z');
}


static void
test_unreserved(void)
{
    int  c, ok;

    ok = 1;

    for (c = 0; c < 256; c++) {
        ok &= sigv4_is_unreserved((uint8_t) c)
              == (test_is_alnum(c) || (c != 0 && strchr("-._~", c) != NULL));
    }

    tap_ok(ok, "unreserved are letters, digits and -._~ alone");
}


static void
test_uri_encode(void)
{
    int          c, ok;
    char         expected[4];
    uint8_t      byte, out[4096];
    sigv4_str_t  in;
    sigv4_buf_t  buf;

    ok = 1;

    for (c = 0; c < 256; c++) {
        byte = (uint8_t) c;

        if (test_is_alnum(c) || (c != 0 && strchr("-._~", c) != NULL)) {
            snprintf(expected, sizeof(expected), "%c", c);

        } else {
            snprintf(expected, sizeof(expected), "%%%02X", (unsigned) c);
        }

        buf.last = out;
        buf.end = out + 3;

        ok &= sigv4_uri_encode(&buf, tap_bytes(&byte, 1), 0) == SIGV4_OK
              && (size_t) (buf.last - out) == strlen(expected)
              && memcmp(out, expected, strlen(expected)) == 0;
    }

    tap_ok(ok, "every byte is encoded as the specification says");

    in = tap_str("/a b/%2F+~*'()!");

    buf.last = out;
    buf.end = out + sizeof(out);
    sigv4_uri_encode(&buf, in, 1);

    tap_is(tap_bytes(out, buf.last - out),
           tap_str("/a%20b/%252F%2B~%2A%27%28%29%21"),
           "a path keeps its slashes");

    buf.last = out;
    sigv4_uri_encode(&buf, in, 0);

    tap_is(tap_bytes(out, buf.last - out),
           tap_str("%2Fa%20b%2F%252F%2B~%2A%27%28%29%21"),
           "a parameter does not");

    buf.last = out;
    buf.end = out + 8;

    tap_is_code(sigv4_uri_encode(&buf, tap_str("abc"), 0), SIGV4_NOSPACE,
                "three bytes ask for nine");
    tap_ok(buf.last == out, "a refusal writes nothing");
}


static void
test_repair(test_repair_pt repair, const test_case_t *tc, size_t n)
{
    int          same;
    char         name[128];
    guard_t      input, output, again;
    sigv4_str_t  in, out, second;
    sigv4_buf_t  buf;

    for ( /* void */ ; n > 0; n--, tc++) {
        in = tc->in;
        out = tap_str("failed");

        input = guard_copy(&in);
        output = guard_create(3 * in.len);

        buf.last = output.data;
        buf.end = output.data + output.size;

        repair(&buf, in, &out);

        tap_is(out, tc->out, tc->name);

        same = tc->in.len == tc->out.len
               && memcmp(tc->in.data, tc->out.data, tc->in.len) == 0;

        if (same) {
            snprintf(name, sizeof(name), "%s: and are not copied", tc->name);
            tap_ok(out.data == in.data && buf.last == output.data, "%s",
                   name);
        }

        again = guard_create(3 * out.len);

        buf.last = again.data;
        buf.end = again.data + again.size;

        second = tap_str("failed");
        repair(&buf, out, &second);

        snprintf(name, sizeof(name), "%s: repaired once and for all",
                 tc->name);
        tap_is(second, tc->out, name);

        guard_destroy(again);
        guard_destroy(output);
        guard_destroy(input);
    }
}


/* which bytes stay, for all 256 */

static void
test_repair_bytes(test_repair_pt repair, const char *name, const char *raw)
{
    int          c, ok, stays;
    uint8_t      in[2], data[6];
    sigv4_str_t  out;
    sigv4_buf_t  buf;

    ok = 1;

    for (c = 0; c < 256; c++) {
        in[0] = '/';
        in[1] = (uint8_t) c;

        buf.last = data;
        buf.end = data + sizeof(data);

        stays = test_is_alnum(c) || (c != 0 && strchr(raw, c) != NULL);

        if (repair(&buf, tap_bytes(in, 2), &out) != SIGV4_OK
            || (out.data == in) != stays
            || out.len != (stays ? 2 : 4))
        {
            printf("# byte 0x%02x\n", (unsigned) c);
            ok = 0;
        }
    }

    tap_ok(ok, "%s: exactly those bytes stay raw", name);
}


static void
test_repair_nospace(test_repair_pt repair, const char *name)
{
    int          ok;
    size_t       size;
    guard_t      guard;
    sigv4_str_t  in, out;
    sigv4_buf_t  buf;

    ok = 1;
    in = tap_str("/a \x80%\x01");

    for (size = 0; size < 3 * in.len; size++) {
        guard = guard_create(size);

        buf.last = guard.data;
        buf.end = guard.data + size;

        ok &= repair(&buf, in, &out) == SIGV4_NOSPACE
              && buf.last == guard.data;

        guard_destroy(guard);
    }

    tap_ok(ok, "%s: every smaller buffer is refused, none overrun", name);
}
