
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The parts of the canonical request: path, query, headers, their order.
 */


#include "guard.h"
#include "tap.h"


#define TEST_MANY                 4000


typedef struct {
    const char                   *in;
    const char                   *out;
} test_case_t;


static void test_uri(void);
static void test_uri_flags(void);
static void test_query(void);
static void test_query_bytes(void);
static void test_many_parameters(void);
static void test_headers(void);
static void test_sort(void);
static void test_sort_many(void);
static void test_invalid(void);
static sigv4_str_t test_canonical_uri(sigv4_str_t path, int normalize,
    int encode);
static sigv4_str_t test_canonical_query(sigv4_str_t query);
static sigv4_str_t test_canonical_headers(sigv4_field_t *fields, size_t n);
static int test_request(sigv4_str_t method, sigv4_str_t path,
    sigv4_str_t name, sigv4_str_t value, sigv4_str_t payload_hash);
static sigv4_field_t test_field(const char *name, const char *value);


static uint8_t  test_out[1024];


/* the table of the specification, then what it leaves to be concluded */

static const test_case_t  test_paths[] = {
    { "", "/" },
    { "//", "/" },
    { "/a//b", "/a/b" },
    { "/a/.", "/a" },
    { "/.", "/" },
    { "/..", "/" },
    { "/a/./b/", "/a/b/" },
    { "/a/b/..", "/a" },
    { "/a/b/../", "/a/" },
    { "/../x", "/x" },
    { "/a/%2E/b", "/a/%252E/b" },
    { "/", "/" },
    { "/./", "/" },
    { "/../", "/" },
    { "/a/../", "/" },
    { "/a/..", "/" },
    { "/a/../..", "/" },
    { "/a/../../b/../c", "/c" },
    { "/a///", "/a/" },
    { "/a/.../b", "/a/.../b" },
    { "/.a/..b/c./d..", "/.a/..b/c./d.." },
    { "/%2e%2e/a", "/%252e%252e/a" },
    { "/a b/../c:d", "/c%3Ad" },
    { "/a%20b/..", "/" },
    { "/v1%3A0/x", "/v1%253A0/x" },
    { "/v1:0/x", "/v1%3A0/x" },
    { "/caf\xe9/~-._", "/caf%E9/~-._" },
    { "a/b", "/a/b" },
    { "*", "/%2A" }
};


static const test_case_t  test_queries[] = {
    { "", "" },
    { "a", "a=" },
    { "a=", "a=" },
    { "=", "=" },
    { "=v", "=v" },
    { "a=1", "a=1" },
    { "&", "" },
    { "&&&", "" },
    { "a=1&&b=2&", "a=1&b=2" },
    { "&a=1", "a=1" },
    { "b=2&a=1", "a=1&b=2" },
    { "a=2&a=1", "a=1&a=2" },
    { "a=1&a=1&a=1", "a=1&a=1&a=1" },
    { "a=1&A=1", "A=1&a=1" },
    { "a-b=1&a=1&a.b=1&a0=1", "a=1&a-b=1&a.b=1&a0=1" },
    { "aa=1&a=2", "a=2&aa=1" },
    { "a=b&a=", "a=&a=b" },
    { "a=10&a=1&a=1-", "a=1&a=1-&a=10" },
    { "a=b=c", "a=b%3Dc" },
    { "a==", "a=%3D" },
    { "a;b=1;c", "a%3Bb=1%3Bc" },
    { "a=x+y&b+c=1", "a=x%20y&b%20c=1" },
    { "a=%2B", "a=%2B" },
    { "a=%7e%7E~", "a=~~~" },
    { "a=%2f/", "a=%2F%2F" },
    { "a=%c3%a9", "a=%C3%A9" },
    { "a=\xc3\xa9", "a=%C3%A9" },
    { "a=%", "a=%25" },
    { "a=%4", "a=%254" },
    { "a=%zz", "a=%25zz" },
    { "a=%%41", "a=%25A" },
    { "a=%00%0a", "a=%00%0A" },
    { "%61=1&a=0", "a=0&a=1" },
    { "a%3D=9&a-b=1&a=2", "a=2&a%3D=9&a-b=1" },
    { "a%5Bb%5D=1&a-b=1", "a%5Bb%5D=1&a-b=1" },
    { "a=%26&a=%3D", "a=%26&a=%3D" },
    { "a=*'()!", "a=%2A%27%28%29%21" },
    { "a=1?b", "a=1%3Fb" },
    { "b=2&a=x+y&c", "a=x%20y&b=2&c=" }
};


int
main(void)
{
    test_uri();
    test_uri_flags();
    test_query();
    test_query_bytes();
    test_many_parameters();
    test_headers();
    test_sort();
    test_sort_many();
    test_invalid();

    return tap_done();
}


static void
test_uri(void)
{
    char    name[128];
    size_t  i;

    for (i = 0; i < sizeof(test_paths) / sizeof(test_paths[0]); i++) {
        snprintf(name, sizeof(name), "path %u: \"%s\"", (unsigned) i,
                 test_paths[i].out);

        tap_is(test_canonical_uri(tap_str(test_paths[i].in), 1, 1),
               tap_str(test_paths[i].out), name);
    }
}


/* the two settings do not depend on each other */

static void
test_uri_flags(void)
{
    sigv4_str_t  path;

    path = tap_str("/a//b/../c%20d:e/.");

    tap_is(test_canonical_uri(path, 1, 1), tap_str("/a/c%2520d%3Ae"),
           "normalised and encoded");
    tap_is(test_canonical_uri(path, 1, 0), tap_str("/a/c%20d:e"),
           "normalised and not encoded");
    tap_is(test_canonical_uri(path, 0, 1),
           tap_str("/a//b/../c%2520d%3Ae/."),
           "not normalised and encoded");
    tap_is(test_canonical_uri(path, 0, 0), path,
           "neither: the path of S3 is copied");
    tap_is(test_canonical_uri(tap_str(""), 0, 0), tap_str("/"),
           "an empty path of S3 is /");
}


static void
test_query(void)
{
    char    name[128];
    size_t  i;

    for (i = 0; i < sizeof(test_queries) / sizeof(test_queries[0]); i++) {
        snprintf(name, sizeof(name), "query %u: \"%s\"", (unsigned) i,
                 test_queries[i].out);

        tap_is(test_canonical_query(tap_str(test_queries[i].in)),
               tap_str(test_queries[i].out), name);
    }
}


/* an escape of each byte and, if it may be there, the byte itself */

static void
test_query_bytes(void)
{
    int          c, ok, unreserved;
    char         in[8], expected[8];
    sigv4_str_t  out, raw;

    ok = 1;

    for (c = 0; c < 256; c++) {
        unreserved = sigv4_is_unreserved((uint8_t) c);

        snprintf(expected, sizeof(expected), unreserved ? "a=%c" : "a=%%%02X",
                 (unsigned) c);

        snprintf(in, sizeof(in), "a=%%%02x", (unsigned) c);
        out = test_canonical_query(tap_str(in));
        ok &= out.len == strlen(expected)
              && memcmp(out.data, expected, out.len) == 0;

        if (c == '&' || c == '+') {
            continue;
        }

        raw = tap_bytes(in, 3);
        in[2] = (char) c;
        out = test_canonical_query(raw);
        ok &= out.len == strlen(expected)
              && memcmp(out.data, expected, out.len) == 0;
    }

    tap_ok(ok, "each byte in a query, escaped and raw");
}


/* the same query with its parameters in four orders */

static void
test_many_parameters(void)
{
    char         *query, *sorted, *p, *q;
    int          ok;
    size_t       i, k, size;
    unsigned     order;
    uint8_t     *data;
    sigv4_buf_t  buf;

    query = malloc(TEST_MANY * 16);
    sorted = malloc(TEST_MANY * 16);
    size = TEST_MANY * 256;
    data = malloc(size);

    if (query == NULL || sorted == NULL || data == NULL) {
        exit(2);
    }

    ok = 1;
    q = sorted;

    for (i = 0; i < TEST_MANY; i++) {
        q += sprintf(q, "%sp%05u=%%20", i ? "&" : "", (unsigned) i);
    }

    for (order = 0; order < 4; order++) {
        p = query;

        for (i = 0; i < TEST_MANY; i++) {

            switch (order) {
            case 0:
                k = i;
                break;

            case 1:
                k = TEST_MANY - 1 - i;
                break;

            case 2:
                k = (i % 2) ? TEST_MANY - 1 - i / 2 : i / 2;
                break;

            default:
                k = (i * 1237 + 11) % TEST_MANY;
            }

            p += sprintf(p, "%sp%05u=+", i ? "&" : "", (unsigned) k);
        }

        buf.last = data;
        buf.end = data + size;

        ok &= sigv4_canonical_query(tap_bytes(query, p - query), &buf)
              == SIGV4_OK
              && buf.last - data == q - sorted
              && memcmp(data, sorted, q - sorted) == 0;
    }

    tap_ok(ok, "thousands of parameters, in any order");

    free(data);
    free(sorted);
    free(query);
}


static void
test_headers(void)
{
    sigv4_field_t    fields[8];
    sigv4_buf_t      buf;
    sigv4_request_t  req;

    fields[0] = test_field("a", "v");
    tap_is(test_canonical_headers(fields, 1), tap_str("a:v\n"), "a field");

    fields[0] = test_field("a", "");
    tap_is(test_canonical_headers(fields, 1), tap_str("a:\n"),
           "an empty value");

    fields[0] = test_field("a", " \t ");
    tap_is(test_canonical_headers(fields, 1), tap_str("a:\n"),
           "a value of white space alone");

    fields[0] = test_field("a", "  x  y\t\tz \t");
    tap_is(test_canonical_headers(fields, 1), tap_str("a:x y z\n"),
           "runs of white space become one space, at the ends none");

    fields[0] = test_field("a", "\"x  y\"  z");
    tap_is(test_canonical_headers(fields, 1), tap_str("a:\"x y\" z\n"),
           "in quotes too");

    fields[0] = test_field("a", "x\r\n y\v\fz");
    tap_is(test_canonical_headers(fields, 1), tap_str("a:x y z\n"),
           "CR, LF, VT and FF are white space");

    fields[0] = test_field("a", "\x01\x1f\x7f\x80\xff x");
    tap_is(test_canonical_headers(fields, 1),
           tap_str("a:\x01\x1f\x7f\x80\xff x\n"),
           "other bytes are copied");

    fields[0] = test_field("b", "2");
    fields[1] = test_field("a", "z");
    fields[2] = test_field("b", " 1  1 ");
    fields[3] = test_field("ab", "1");
    fields[4] = test_field("b", "");
    fields[5] = test_field("a-b", "1");

    sigv4_sort_fields(fields, 6);

    tap_is(test_canonical_headers(fields, 6),
           tap_str("a:z\na-b:1\nab:1\nb:2,1 1,\n"),
           "repeated fields are joined in the order received");

    memset(&req, 0, sizeof(req));
    req.fields = fields;
    req.nfields = 6;

    buf.last = test_out;
    buf.end = test_out + sizeof(test_out);
    sigv4_signed_headers(&req, &buf);

    tap_is(tap_bytes(test_out, buf.last - test_out), tap_str("a;a-b;ab;b"),
           "their names are listed once");
}


static void
test_sort(void)
{
    sigv4_field_t  fields[4];

    fields[0] = test_field("x-amz-date", "1");
    fields[1] = test_field("x-amz", "2");
    fields[2] = test_field("host", "3");
    fields[3] = test_field("x-amz-", "4");

    sigv4_sort_fields(fields, 4);

    tap_ok(fields[0].value.data[0] == '3' && fields[1].value.data[0] == '2'
           && fields[2].value.data[0] == '4'
           && fields[3].value.data[0] == '1',
           "sorted bytewise, a prefix first");

    sigv4_sort_fields(fields, 0);
    sigv4_sort_fields(NULL, 0);
    tap_ok(1, "no fields at all");
}


/* for numbers around the change of method, and more than anyone sends */

static void
test_sort_many(void)
{
    int             ok, rc;
    char           (*names)[8];
    size_t          i, k, n;
    unsigned        order;
    sigv4_field_t  *fields;

    names = malloc(TEST_MANY * sizeof(*names));
    fields = malloc(TEST_MANY * sizeof(sigv4_field_t));

    if (names == NULL || fields == NULL) {
        exit(2);
    }

    ok = 1;

    for (n = 1; n <= TEST_MANY; n = (n < 40) ? n + 1 : n * 5 / 3) {
        for (order = 0; order < 3; order++) {

            for (i = 0; i < n; i++) {

                /* each name about three times */

                k = (order == 0) ? i : (order == 1) ? n - i : i * 7919 % n;
                sprintf(names[i], "n%05u", (unsigned) (k / 3));

                fields[i].name = tap_str(names[i]);
                fields[i].value = tap_bytes(NULL, i);
            }

            sigv4_sort_fields(fields, n);

            for (i = 1; i < n; i++) {
                rc = memcmp(fields[i - 1].name.data, fields[i].name.data, 6);

                ok &= rc < 0
                      || (rc == 0
                          && fields[i - 1].value.len < fields[i].value.len);
            }
        }
    }

    tap_ok(ok, "any number of fields is sorted, and stably");

    free(fields);
    free(names);
}


static void
test_invalid(void)
{
    size_t        i;
    sigv4_str_t   get, path, name, value, hash;
    static const char *const  names[] = {
        "", "Host", "a b", "a:b", "a;b", "a\nb", "a\r", "a,b", "a\x80"
    };

    get = tap_str("GET");
    path = tap_str("/");
    name = tap_str("host");
    value = tap_str("v");
    hash = tap_str(SIGV4_UNSIGNED_PAYLOAD);

    tap_is_code(test_request(get, path, name, value, hash), SIGV4_OK,
                "a request that can be signed");

    tap_is_code(test_request(tap_str(""), path, name, value, hash),
                SIGV4_INVALID, "no method");
    tap_is_code(test_request(tap_str("GET\n/"), path, name, value, hash),
                SIGV4_INVALID, "a line end in the method");
    tap_is_code(test_request(tap_str("G T"), path, name, value, hash),
                SIGV4_INVALID, "a space in the method");
    tap_is_code(test_request(tap_bytes("G\0T", 3), path, name, value, hash),
                SIGV4_INVALID, "NUL in the method");
    tap_is_code(test_request(get, tap_str("/a\n/b"), name, value, hash),
                SIGV4_INVALID, "a line end in a path that is copied");
    tap_is_code(test_request(get, path, name, value, tap_str("")),
                SIGV4_INVALID, "no payload hash");
    tap_is_code(test_request(get, path, name, value, tap_str("a\nb")),
                SIGV4_INVALID, "a line end in the payload hash");
    tap_is_code(test_request(get, path, name, tap_bytes("a\0b", 3), hash),
                SIGV4_INVALID, "NUL in a value");
    tap_is_code(test_request(get, path, name,
                             tap_bytes("0123456789abcdef\0", 17), hash),
                SIGV4_INVALID, "NUL at the end of a long value");

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        tap_is_code(test_request(get, path, tap_str(names[i]), value, hash),
                    SIGV4_INVALID, "a name that is none, or not in lower case");
    }

    tap_is_code(test_request(get, path, tap_str("zz"), value, hash),
                SIGV4_INVALID, "fields that are not sorted");
}


/* fields: the one given, then "x" */

static int
test_request(sigv4_str_t method, sigv4_str_t path, sigv4_str_t name,
    sigv4_str_t value, sigv4_str_t payload_hash)
{
    int              rc;
    sigv4_buf_t      buf;
    sigv4_str_t      canonical, headers;
    sigv4_field_t    fields[2];
    sigv4_request_t  req;

    memset(&req, 0, sizeof(req));

    fields[0].name = name;
    fields[0].value = value;
    fields[1] = test_field("x", "");

    req.method = method;
    req.path = path;
    req.fields = fields;
    req.nfields = 2;
    req.payload_hash = payload_hash;

    buf.last = test_out;
    buf.end = test_out + sizeof(test_out);

    rc = sigv4_canonical_request(&req, &buf, &canonical, &headers);

    if (rc != SIGV4_OK && buf.last != test_out) {
        return 1;
    }

    return rc;
}


/* the input ends at a guard page, and so does the room for the result */

static sigv4_str_t
test_canonical_uri(sigv4_str_t path, int normalize, int encode)
{
    size_t           len;
    guard_t          input, output;
    sigv4_buf_t      buf;
    sigv4_request_t  req;

    memset(&req, 0, sizeof(req));

    input = guard_copy(&path);
    output = guard_create(3 * path.len + 2);

    req.path = path;
    req.normalize_path = normalize;
    req.double_encode = encode;

    buf.last = output.data;
    buf.end = output.data + output.size;

    len = 0;

    if (sigv4_canonical_uri(&req, &buf) == SIGV4_OK) {
        len = buf.last - output.data;
        memcpy(test_out, output.data, len);
    }

    guard_destroy(output);
    guard_destroy(input);

    return tap_bytes(test_out, len);
}


static sigv4_str_t
test_canonical_query(sigv4_str_t query)
{
    size_t       len;
    guard_t      input, output;
    sigv4_buf_t  buf;

    input = guard_copy(&query);
    output = guard_create(sizeof(test_out));

    buf.last = output.data;
    buf.end = output.data + output.size;

    len = 0;

    if (sigv4_canonical_query(query, &buf) == SIGV4_OK) {
        len = buf.last - output.data;
        memcpy(test_out, output.data, len);
    }

    guard_destroy(output);
    guard_destroy(input);

    return tap_bytes(test_out, len);
}


static sigv4_str_t
test_canonical_headers(sigv4_field_t *fields, size_t n)
{
    sigv4_buf_t      buf;
    sigv4_request_t  req;

    memset(&req, 0, sizeof(req));

    req.fields = fields;
    req.nfields = n;

    buf.last = test_out;
    buf.end = test_out + sizeof(test_out);

    sigv4_canonical_headers(&req, &buf);

    return tap_bytes(test_out, buf.last - test_out);
}


static sigv4_field_t
test_field(const char *name, const char *value)
{
    sigv4_field_t  field;

    field.name = tap_str(name);
    field.value = tap_str(value);
    field.order = 0;

    return field;
}
