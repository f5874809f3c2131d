
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Responses of HTTP, good and bad, each as a whole and byte by byte, which
 * must make no difference.
 */


#include "tap.h"
#include "guard.h"
#include "providers/sigv4_http.h"


#define TEST_BODY_MAX   64

#define TEST_OK         "HTTP/1.1 200 OK\r\n"
#define TEST_CHUNKED    TEST_OK "Transfer-Encoding: chunked\r\n\r\n"


static void test_response(const char *text, unsigned status,
    const char *body, const char *name);
static void test_invalid(const char *text, const char *error,
    const char *name);
static void test_bodies(void);
static void test_chunks(void);
static void test_dechunk(void);
static void test_interim(void);
static void test_heads(void);
static void test_lengths(void);
static void test_bad_chunks(void);
static void test_large(void);
static void test_fields(void);
static int test_read(sigv4_http_t *http, guard_t *guard, sigv4_str_t text,
    size_t step);
static char *test_repeat(const char *before, const char *piece, size_t n,
    const char *behind);


int
main(void)
{
    test_bodies();
    test_chunks();
    test_dechunk();
    test_interim();
    test_heads();
    test_lengths();
    test_bad_chunks();
    test_large();
    test_fields();

    return tap_done();
}


static void
test_bodies(void)
{
    test_response(TEST_OK "Content-Length: 5\r\n\r\nhello", 200, "hello",
                  "a body with its length");
    test_response(TEST_OK "content-LENGTH:\t5 \r\n\r\nhello", 200, "hello",
                  "a name in another case, and blanks");
    test_response(TEST_OK "Content-Length: 0\r\n\r\n", 200, "",
                  "a body of no bytes");
    test_response("HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nno\n",
                  404, "no\n", "an error");
    test_response(TEST_OK "\r\nhello\r\n\r\n", 200, "hello\r\n\r\n",
                  "a body that ends with the connection");
    test_response("HTTP/1.0 200 OK\r\nServer: x\r\n\r\nhello", 200, "hello",
                  "the same of HTTP/1.0");
    test_response(TEST_OK "\r\n", 200, "", "nothing but a head");
    test_response("HTTP/1.1 200\r\nContent-Length: 1\r\n\r\nx", 200, "x",
                  "no reason");
    test_response("HTTP/1.1 200 \r\nContent-Length: 1\r\n\r\nx", 200, "x",
                  "an empty reason");
    test_response("HTTP/1.1 200 \xc3\xa9t\xc3\xa9\r\nX: \xc3\xa9\r\n"
                  "Content-Length: 1\r\n\r\nx", 200, "x",
                  "bytes above ASCII in text");
    test_response("HTTP/1.1 204 No Content\r\n\r\n", 204, "",
                  "a status that has no body");
    test_response("HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\n", 204,
                  "", "and says that it had one");
    test_response(TEST_OK "X:\r\nContent-Length: 1\r\nY: \t \r\n\r\nx", 200,
                  "x", "fields without a value");
}


static void
test_chunks(void)
{
    test_response(TEST_CHUNKED "5\r\nhello\r\n0\r\n\r\n", 200, "hello",
                  "one chunk");
    test_response(TEST_CHUNKED "1\r\nh\r\n003\r\nell\r\n1\r\no\r\n00\r\n\r\n",
                  200, "hello", "three, and zeros");
    test_response(TEST_CHUNKED "A\r\n0123456789\r\nb\r\n0\r\n3456789a\r\n"
                  "0\r\n\r\n", 200, "01234567890\r\n3456789a",
                  "digits above 9, and a newline in a chunk");
    test_response(TEST_CHUNKED "0\r\n\r\n", 200, "", "no chunk");
    test_response(TEST_CHUNKED "1;a=b\r\nx\r\n0;c=\"d\"\r\n\r\n", 200, "x",
                  "extensions");
    test_response(TEST_CHUNKED "1\r\nx\r\n0\r\nA: b\r\nC: d\r\n\r\n", 200,
                  "x", "trailers");
    test_response(TEST_OK "transfer-encoding: Chunked\r\n\r\n1\r\nx\r\n0\r\n"
                  "\r\n", 200, "x", "names in another case");
}


/* what there is of chunks counts, however they end */

static void
test_dechunk(void)
{
    size_t       i;
    guard_t      guard;
    sigv4_str_t  text, got;

    static const struct {
        const char  *chunks;
        const char  *body;
    } cases[] = {
        { "", "" },
        { "0\r\n\r\n", "" },
        { "5\r\nhello\r\n0\r\n\r\n", "hello" },
        { "1\r\nh\r\n4;a=b\r\nello\r\n", "hello" },
        { "1000000\r\nhello", "hello" },
        { "fffffffffffffffff\r\nhello", "" },
        { "5\r\nhel", "hel" },
        { "5\r\nhello\r\nzz", "hello" },
        { "5\r\nhello0\r\n", "hello" },
        { "1\r\nh\r\n0\r\n\r\nello", "h" },
        { "<Error>", "" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        text = tap_str(cases[i].chunks);
        guard = guard_copy(&text);

        got.data = text.data;
        got.len = sigv4_http_dechunk((uint8_t *) text.data, text.len);

        tap_is(got, tap_str(cases[i].body), "chunks without their framing");

        guard_destroy(guard);
    }
}


static void
test_interim(void)
{
    test_response("HTTP/1.1 100 Continue\r\n\r\n"
                  TEST_OK "Content-Length: 1\r\n\r\nx", 200, "x",
                  "an interim response");
    test_response("HTTP/1.1 103 Early\r\nLink: x\r\n\r\n"
                  "HTTP/1.1 100 Continue\r\n\r\n"
                  TEST_CHUNKED "1\r\nx\r\n0\r\n\r\n", 200, "x", "and two");

    test_invalid("HTTP/1.1 101 Switching Protocols\r\n\r\n", "head",
                 "another protocol, which was not asked for");
    test_invalid("HTTP/1.1 100 Continue\r\n\r\n", "without a response",
                 "nothing behind an interim response");
    test_invalid("HTTP/1.1 100 Continue\r\n\r\nSSH", "not HTTP",
                 "and something else behind it");
}


static void
test_heads(void)
{
    test_invalid("", "without a response", "nothing");
    test_invalid("\r\n", "not HTTP", "an empty line");
    test_invalid("<html>", "not HTTP", "a page alone");
    test_invalid("HTTP", "before the response", "four bytes");
    test_invalid("HTTP/1.1 200 OK\r\nContent-Len", "before the response",
                 "half a head");
    test_invalid("http/1.1 200 OK\r\n\r\n", "not HTTP", "lower case");
    test_invalid("HTTP/2 200\r\n\r\n", "head", "HTTP/2");
    test_invalid("HTTP/1.2 200 OK\r\n\r\n", "head", "HTTP/1.2");
    test_invalid("HTTP/1.1  200 OK\r\n\r\n", "head", "two spaces");
    test_invalid("HTTP/1.1 20 OK\r\n\r\n", "head", "a status of two digits");
    test_invalid("HTTP/1.1 2000 OK\r\n\r\n", "head", "and of four");
    test_invalid("HTTP/1.1 2x0 OK\r\n\r\n", "head", "and of a letter");
    test_invalid("HTTP/1.1 099 OK\r\n\r\n", "head", "a status below 100");
    test_invalid("HTTP/1.1 600 OK\r\n\r\n", "head", "and above 599");
    test_invalid("HTTP/1.1 200 O\x01K\r\n\r\n", "head",
                 "a control character in the reason");
    test_invalid(TEST_OK "A: b\rc\r\n\r\n", "head", "a lone CR");
    test_invalid(TEST_OK "A: b\nc: d\r\n\r\n", "head", "a lone LF");
    test_invalid(TEST_OK "A: b\r\n c\r\n\r\n", "head", "a folded line");
    test_invalid(TEST_OK "A : b\r\n\r\n", "head", "a blank behind a name");
    test_invalid(TEST_OK ": b\r\n\r\n", "head", "no name");
    test_invalid(TEST_OK "A\r\n\r\n", "head", "no colon");
    test_invalid(TEST_OK "A(: b\r\n\r\n", "head", "no token as a name");
    test_invalid(TEST_OK "A: \x7f\r\n\r\n", "head", "DEL in a value");
}


static void
test_lengths(void)
{
    test_invalid(TEST_OK "Content-Length: 6\r\n\r\nhello",
                 "before the response", "a body that is too short");
    test_invalid(TEST_OK "Content-Length: 4\r\n\r\nhello", "longer",
                 "and too long");
    test_invalid(TEST_OK "Content-Length: 0\r\n\r\nhello", "longer",
                 "and not there, as it said");
    test_invalid("HTTP/1.1 204 No Content\r\n\r\nx", "longer",
                 "a body where there is none");
    test_invalid(TEST_OK "Content-Length:\r\n\r\n", "length", "no length");
    test_invalid(TEST_OK "Content-Length: -1\r\n\r\n", "length",
                 "a negative length");
    test_invalid(TEST_OK "Content-Length: +1\r\n\r\nx", "length", "a sign");
    test_invalid(TEST_OK "Content-Length: 0x1\r\n\r\nx", "length",
                 "another base");
    test_invalid(TEST_OK "Content-Length: 1, 1\r\n\r\nx", "length", "a list");
    test_invalid(TEST_OK "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx",
                 "length", "two lengths");
    test_invalid(TEST_OK "Content-Length: 18446744073709551617\r\n\r\nx",
                 "length", "a length that overflows");
    test_invalid(TEST_OK "Content-Length: 1\r\nTransfer-Encoding: chunked"
                 "\r\n\r\n1\r\nx\r\n0\r\n\r\n", "head", "a length and chunks");
    test_invalid(TEST_OK "Transfer-Encoding: gzip\r\n\r\nx", "coding",
                 "another coding");
    test_invalid(TEST_OK "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
                 "coding", "two codings");
    test_invalid(TEST_OK "Transfer-Encoding: chunked\r\n"
                 "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "coding",
                 "a coding twice");
    test_invalid("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                 "0\r\n\r\n", "coding", "chunks of HTTP/1.0");
}


static void
test_bad_chunks(void)
{
    test_invalid(TEST_CHUNKED "5\r\nhel", "before the response",
                 "half a chunk");
    test_invalid(TEST_CHUNKED "5\r\nhello\r\n", "before the response",
                 "no last chunk");
    test_invalid(TEST_CHUNKED "0\r\n", "before the response",
                 "no line behind it");
    test_invalid(TEST_CHUNKED "\r\n", "chunks", "no size");
    test_invalid(TEST_CHUNKED "g\r\n", "chunks", "no digit");
    test_invalid(TEST_CHUNKED "-1\r\n", "chunks", "a negative size");
    test_invalid(TEST_CHUNKED "0x1\r\nx\r\n", "chunks", "a prefix");
    test_invalid(TEST_CHUNKED "1 \r\nx\r\n", "chunks", "a blank");
    test_invalid(TEST_CHUNKED "1\nx\n0\n\n", "chunks", "lines of Unix");
    test_invalid(TEST_CHUNKED "1\rx", "chunks", "a lone CR");
    test_invalid(TEST_CHUNKED "1\r\nxy\r\n0\r\n\r\n", "chunks",
                 "a chunk that is longer than its size");
    test_invalid(TEST_CHUNKED "1\r\nx\ry", "chunks", "no newline behind it");
    test_invalid(TEST_CHUNKED "1;\x01\r\nx\r\n0\r\n\r\n", "chunks",
                 "a control character in an extension");
    test_invalid(TEST_CHUNKED "0\r\n A: b\r\n\r\n", "chunks",
                 "a trailer that begins with a blank");
    test_invalid(TEST_CHUNKED "0\r\nA: b\n\r\n", "chunks",
                 "a trailer of Unix");
    test_invalid(TEST_CHUNKED "ffffffffffffffff1\r\n", "too large",
                 "a size that overflows");
}


static void
test_large(void)
{
    char  *text;

    text = test_repeat(TEST_OK "Content-Length: 64\r\n\r\n", "x", 64, "");
    test_response(text, 200, strstr(text, "xxx"), "as much as is allowed");
    free(text);

    test_invalid(TEST_OK "Content-Length: 65\r\n\r\n", "too large",
                 "one byte more, as it says");

    text = test_repeat(TEST_OK "\r\n", "x", 64, "");
    test_response(text, 200, strstr(text, "xxx"), "as much until the end");
    free(text);

    text = test_repeat(TEST_OK "\r\n", "x", 65, "");
    test_invalid(text, "too large", "one byte more");
    free(text);

    text = test_repeat(TEST_CHUNKED, "1\r\nx\r\n", 64, "0\r\n\r\n");
    test_response(text, 200, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "as much in chunks");
    free(text);

    text = test_repeat(TEST_CHUNKED, "1\r\nx\r\n", 64, "1\r\nx\r\n0\r\n\r\n");
    test_invalid(text, "too large", "one byte more");
    free(text);

    test_invalid(TEST_CHUNKED "1\r\nx\r\n40\r\n", "too large",
                 "a chunk that will not fit any more");

    text = test_repeat(TEST_OK, "A: 0123456789\r\n", 1090, "\r\n");
    test_response(text, 200, "", "a head of nearly 16 KB");
    free(text);

    text = test_repeat(TEST_OK, "A: 0123456789\r\n", 1092, "\r\n");
    test_invalid(text, "too large", "and one that is longer");
    free(text);

    text = test_repeat("", "HTTP/1.1 100 Continue\r\n\r\n", 700, "");
    test_invalid(text, "too large", "interim responses without end");
    free(text);

    text = test_repeat(TEST_CHUNKED "1;", "x", 140000, "");
    test_invalid(text, "too large", "an extension without end");
    free(text);

    text = test_repeat(TEST_CHUNKED "0\r\n", "a:b\r\n", 30000, "");
    test_invalid(text, "too large", "trailers without end");
    free(text);
}


static void
test_fields(void)
{
    guard_t       guard;
    sigv4_str_t   text;
    sigv4_http_t  http;

    text = tap_str(TEST_OK "Age: 1\r\nx-ttl:\t 21600 \r\nX-TTL: 2\r\n"
                   "Empty:\r\nContent-Length: 0\r\n\r\n");

    tap_is_code(test_read(&http, &guard, text, text.len), SIGV4_OK,
                "a head with fields");
    tap_is(sigv4_http_field(&http, "x-ttl"), tap_str("21600"),
           "the first of a name");
    tap_is(sigv4_http_field(&http, "age"), tap_str("1"), "another");
    tap_is(sigv4_http_field(&http, "empty"), tap_str(""), "an empty one");
    tap_ok(sigv4_http_field(&http, "ag").data == NULL
           && sigv4_http_field(&http, "agee").data == NULL,
           "none that is like it");

    guard_destroy(guard);
}


static void
test_response(const char *text, unsigned status, const char *body,
    const char *name)
{
    int           rc;
    guard_t       guard;
    sigv4_http_t  http;

    rc = test_read(&http, &guard, tap_str(text), (size_t) -1);

    tap_is_code(rc, SIGV4_OK, name);
    tap_ok(http.status == status, "  its status is %u", status);
    tap_is(http.body, tap_str(body), "  its body");

    guard_destroy(guard);

    rc = test_read(&http, &guard, tap_str(text), 1);

    tap_ok(rc == SIGV4_OK && http.status == status, "  byte by byte");
    tap_is(http.body, tap_str(body), "  and its body");

    guard_destroy(guard);
}


static void
test_invalid(const char *text, const char *error, const char *name)
{
    guard_t       guard;
    sigv4_http_t  http;

    tap_is_code(test_read(&http, &guard, tap_str(text), (size_t) -1),
                SIGV4_INVALID, name);
    tap_ok(http.error != NULL && strstr(http.error, error) != NULL
           && http.body.len == 0, "  \"%s\" is said", error);

    guard_destroy(guard);

    /* what comes when the response is complete is not read any more */

    if (strcmp(error, "longer") == 0) {
        return;
    }

    tap_is_code(test_read(&http, &guard, tap_str(text), 1), SIGV4_INVALID,
                "  byte by byte");
    tap_ok(http.error != NULL && strstr(http.error, error) != NULL,
           "  the same is said");

    guard_destroy(guard);
}


/* step bytes at a time, in a buffer that ends at a guard page */

static int
test_read(sigv4_http_t *http, guard_t *guard, sigv4_str_t text, size_t step)
{
    int     rc;
    size_t  n, size;

    size = SIGV4_HTTP_HEAD_MAX + TEST_BODY_MAX;

    *guard = guard_create(size);

    sigv4_http_init(http, guard->data, size);

    rc = SIGV4_HTTP_AGAIN;

    while (rc == SIGV4_HTTP_AGAIN && text.len != 0) {
        n = http->end - http->last;

        if (n == 0) {
            tap_ok(0, "there is room for more");
            return SIGV4_ERROR;
        }

        n = n < step ? n : step;
        n = n < text.len ? n : text.len;

        memcpy(http->last, text.data, n);

        rc = sigv4_http_read(http, n);

        text.data += n;
        text.len -= n;
    }

    return rc == SIGV4_HTTP_AGAIN ? sigv4_http_eof(http) : rc;
}


static char *
test_repeat(const char *before, const char *piece, size_t n,
    const char *behind)
{
    char    *text;
    size_t   i, len, first;

    first = strlen(before);
    len = strlen(piece);

    text = malloc(first + n * len + strlen(behind) + 1);

    if (text == NULL) {
        exit(2);
    }

    memcpy(text, before, first);

    for (i = 0; i < n; i++) {
        memcpy(text + first + i * len, piece, len);
    }

    strcpy(text + first + n * len, behind);

    return text;
}
