
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * What is read of an answer: the forms of AWS, and what is no answer at all.
 * The text, and what is written, end at pages that cannot be touched.
 */


#include "tap.h"
#include "guard.h"
#include "sigv4_refusal.h"


#define test(text, code, message)                                             \
    test_read(tap_bytes(text, sizeof(text) - 1), tap_str(code),               \
              tap_str(message), #text)


typedef struct {
    guard_t                       text;
    guard_t                       out;
} test_memory_t;


static void test_forms(void);
static void test_xml(void);
static void test_json(void);
static void test_cbor(void);
static void test_codes(void);
static void test_s3(void);
static void test_message(void);
static void test_cut_s3(void);
static void test_cut_json(void);
static void test_hostile(void);
static void test_read(sigv4_str_t text, sigv4_str_t code,
    sigv4_str_t message, const char *name);
static test_memory_t test_open(sigv4_refusal_t *refusal, sigv4_str_t text);
static void test_close(test_memory_t memory);
static int test_same(sigv4_str_t got, const char *expected);
static int test_begins(sigv4_str_t got, const char *whole);


int
main(void)
{
    test_forms();
    test_xml();
    test_json();
    test_cbor();
    test_codes();
    test_s3();
    test_message();
    test_cut_s3();
    test_cut_json();
    test_hostile();

    return tap_done();
}


static void
test_forms(void)
{
    test("", "", "");
    test(" \t\r\n", "", "");
    test("\xef\xbb\xbf", "", "");
    test("\xef\xbb\xbf {\"message\":\"a\"}", "", "a");
    test("Forbidden", "", "");
    test("\x00\x01\x02\xff", "", "");
    test("[{\"message\":\"a\"}]", "", "");
    test("\"message\"", "", "");
}


static void
test_xml(void)
{
    /* S3, the query protocol, EC2, and a root that is the code */

    test("<?xml version=\"1.0\"?>\n<Error><Code>C</Code>"
         "<Message>M m</Message></Error>", "C", "M m");
    test("<ErrorResponse xmlns=\"http://a/\"><Error><Type>Sender</Type>"
         "<Code>C</Code><Message>M</Message></Error></ErrorResponse>",
         "C", "M");
    test("<Response><Errors><Error><Code>C</Code><Message>M</Message>"
         "</Error></Errors></Response>", "C", "M");
    test("<AccessDeniedException><Message>M</Message>"
         "</AccessDeniedException>", "AccessDeniedException", "M");

    /* attributes with what looks like the end, comments, CDATA */

    test("<Error a=\"/>\" b='>'><Code c='<'>C</Code></Error>", "C", "");
    test("<Error><!-- <Code>N</Code> --><Code>C</Code></Error>", "C", "");
    test("<Error><Code><!-- - -->C<!----></Code></Error>", "C", "");
    test("<Error><Message><![CDATA[a<b>&lt;]]>c</Message></Error>",
         "", "a<b>&lt;c");

    /* the first of each counts, and only in the error itself */

    test("<Error><Code>C</Code><Code>N</Code></Error>", "C", "");
    test("<Code>N</Code>", "", "");
    test("<a><Code>N</Code></a>", "", "");
    test("<Error><a><Code>N</Code></a><Code>C</Code></Error>", "C", "");
    test("<Error><Code/><Code>C</Code></Error>", "C", "");
    test("<Error/><Code>N</Code>", "", "");
    test("</Error><Error><Code>N</Code></Error>", "", "");
    test("<a><b><c><Error><Code>N</Code></Error></c></b></a>", "", "");
    test("<error><Code>N</Code></error>", "", "");

    /* references; those of others are left, and a DTD ends it */

    test("<Error><Message>&lt;&gt;&amp;&quot;&apos;&#65;&#x42;&#x63;"
         "</Message></Error>", "", "<>&\"'ABc");
    test("<Error><Message>&#233;&#x20AC;&#128512;</Message></Error>",
         "", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
    test("<Error><Message>&#xD800;&#x110000;&#999999999;</Message></Error>",
         "", "???");
    test("<Error><Message>&b;&#;&#x;&#1a;&amp &;&&amp;lt;</Message></Error>",
         "", "&b;&#;&#x;&#1a;&amp &;&&lt;");
    test("<!DOCTYPE a [<!ENTITY b \"c\">]><Error><Code>C</Code></Error>",
         "", "");
}


static void
test_json(void)
{
    test("{\"__type\":\"C\",\"message\":\"M\"}", "C", "M");
    test("{ \"__type\" : \"a.b#C\" ,\n\t\"Message\" : \"M\" }", "C", "M");
    test("{\"code\":\"C\",\"message\":\"M\"}", "C", "M");
    test("{\"Code\":\"C\"}", "C", "");
    test("{\"Error\":{\"Code\":\"C\",\"Message\":\"M\"}}", "C", "M");
    test("{\"Output\":{\"__type\":\"a#C\",\"message\":\"M\"},"
         "\"Version\":\"1.0\"}", "C", "M");
    test("{\"error\":{\"code\":\"C\"},\"message\":\"M\"}", "C", "M");
    test("{}", "", "");

    /* the first counts, and none that is deeper */

    test("{\"message\":\"M\",\"Message\":\"N\"}", "", "M");
    test("{\"a\":{\"message\":\"N\"},\"message\":\"M\"}", "", "M");
    test("{\"a\":[{\"message\":\"N\"},\"}\",\"\\\"]\"],\"message\":\"M\"}",
         "", "M");
    test("{\"Error\":{\"Error\":{\"Code\":\"N\"}},\"message\":\"M\"}",
         "", "M");
    test("{\"MESSAGE\":\"N\"}", "", "");
    test("{\"a\":1.5e3,\"b\":null,\"c\":true,\"message\":\"M\"}", "", "M");
    test("{\"message\":null,\"Message\":\"M\"}", "", "M");
    test("{\"message\":[\"N\"]}", "", "");

    /* escapes; half a pair is no character, another one ends the text */

    test("{\"message\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"}",
         "", "\"\\/\b\f\n\r\t");
    test("{\"message\":\"\\u0041\\u00e9\\u20AC\\ud83d\\ude00\"}",
         "", "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
    test("{\"message\":\"\\ud83d\\u0041\\ud83d-\\ude00\"}", "", "?A?-?");
    test("{\"message\":\"a\\q\",\"__type\":\"C\"}", "", "a");
    test("{\"message\":\"a\\u00g0\",\"__type\":\"C\"}", "", "a");

    /* what has been read until it is no JSON counts */

    test("{\"__type\":\"C\" \"message\":\"N\"}", "C", "");
    test("{\"__type\":\"C\",}", "C", "");
    test("{\"__type\":\"C\",message:\"N\"}", "C", "");
    test("{__type:\"N\"}", "", "");
}


static void
test_cbor(void)
{
    sigv4_refusal_t  refusal;
    test_memory_t    memory;

    /* RFC 8949: maps of 2 pairs and without a length, texts of 0x60 to 0x79 */

    test("\xa2\x66__type\x61" "C\x67message\x61" "M", "C", "M");
    test("\xbf\x66__type\x63" "a#C\x67Message\x78\x02MM\xff", "C", "MM");
    test("\xa1\x67message\x79\x00\x03MMM", "", "MMM");
    test("\xa1\x67message\x79\x01\x00MMM", "", "");
    test("\xa1\x67message\x7f\x61M\xff", "", "");
    test("\xa1\x67message\x01", "", "");
    test("\xa2\x61" "a\x01\x67message\x61" "N", "", "");
    test("\xa0", "", "");
    test("\xa1", "", "");
    test("\xa1\x78", "", "");
    test("\xa1\x79\x00", "", "");

    memory = test_open(&refusal,
                       tap_bytes("\xa1\x67message\x63" "a\0b", 13));

    tap_is(refusal.message, tap_bytes("a\0b", 3), "CBOR with a NUL");

    test_close(memory);
}


static void
test_codes(void)
{
    char    text[66];
    size_t  i;

    static const struct {
        const char  *text;
        const char  *code;
    } codes[] = {
        { "", "" },
        { "C", "C" },
        { "com.amazon.coral.service#Code", "Code" },
        { "a#b#C", "C" },
        { "Code:http://internal.amazon.com/coral/", "Code" },
        { "a#Code:", "Code" },
        { "Client.A-b_9", "Client.A-b_9" },
        { "a b", "" },
        { "a\nb", "" },
        { "<b>", "" },
        { "a/b", "" },
        { "\xc3\xa9", "" },
        { "a#", "" },
        { ":", "" }
    };

    for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        tap_is(sigv4_refusal_code(tap_str(codes[i].text)),
               tap_str(codes[i].code), "code");
    }

    memset(text, 'a', 65);
    text[65] = '\0';

    tap_is(sigv4_refusal_code(tap_str(text)), tap_str(""),
           "a code of 65 bytes is none");
    tap_is(sigv4_refusal_code(tap_str(text + 1)), tap_str(text + 1),
           "one of 64 is");
}


static void
test_s3(void)
{
    sigv4_refusal_t  refusal;
    test_memory_t    memory;

    memory = test_open(&refusal, tap_str(
        "<Error><Code>SignatureDoesNotMatch</Code><Message>M</Message>"
        "<Region>eu-west-1</Region><HeadersNotSigned>x-amz-a, x-amz-b"
        "</HeadersNotSigned><StringToSign>AWS4-HMAC-SHA256\nD\nS\nH"
        "</StringToSign><CanonicalRequest>GET\n/\na=1&amp;b=2\nhost:h\n\n"
        "host\ne3b0</CanonicalRequest></Error>"));

    tap_is(refusal.code, tap_str("SignatureDoesNotMatch"), "S3: code");
    tap_is(refusal.message, tap_str("M"), "S3: message");
    tap_is(refusal.region, tap_str("eu-west-1"), "S3: region");
    tap_is(refusal.unsigned_header, tap_str("x-amz-a, x-amz-b"),
           "S3: headers that are not signed");
    tap_is(refusal.string_to_sign, tap_str("AWS4-HMAC-SHA256\nD\nS\nH"),
           "S3: string to sign");
    tap_is(refusal.canonical_request,
           tap_str("GET\n/\na=1&b=2\nhost:h\n\nhost\ne3b0"),
           "S3: canonical request");
    tap_ok(refusal.cut == NULL, "S3: nothing is cut");

    test_close(memory);
}


/* a header may have a quote, too */

static void
test_message(void)
{
    sigv4_refusal_t  refusal;
    test_memory_t    memory;

    memory = test_open(&refusal, tap_str(
        "{\"message\":\"No.\\n\\nThe Canonical String for this request should "
        "have been\\n'GET\\n/it's\\n\\nhost:h\\n\\nhost\\ne3b0'\\n\\nThe "
        "String-to-Sign should have been\\n'AWS4-HMAC-SHA256\\nD\\nS\\nH'\\n"
        "\"}"));

    tap_is(refusal.canonical_request,
           tap_str("GET\n/it's\n\nhost:h\n\nhost\ne3b0"),
           "message: canonical request");
    tap_is(refusal.string_to_sign, tap_str("AWS4-HMAC-SHA256\nD\nS\nH"),
           "message: string to sign");
    tap_ok(refusal.cut == NULL, "message: nothing is cut");

    test_close(memory);

    memory = test_open(&refusal, tap_str(
        "{\"message\":\"The Canonical String for this request should have "
        "been\\n'GET\\n/a"));

    tap_is(refusal.canonical_request, tap_str("GET\n/a"),
           "message: half a canonical request");
    tap_ok(refusal.cut == &refusal.canonical_request, "message: it is cut");
    tap_is(refusal.string_to_sign, tap_str(""),
           "message: and there is no string to sign");

    test_close(memory);
}


/*
 * Up to each byte: a code is whole or is not there, any other value is its
 * begin, and what is not whole is said to be cut.
 */

static void
test_cut_s3(void)
{
    size_t           len, code;
    unsigned         bad;
    sigv4_refusal_t  refusal;
    test_memory_t    memory;

    static const char  text[] = "<Error><Code>Denied</Code><Message>a&amp;"
        "b&#233;c</Message><Region>r-1</Region></Error>";

    code = strstr(text, "</Code>") - text;

    bad = 0;

    for (len = 0; len < sizeof(text); len++) {
        memory = test_open(&refusal, tap_bytes(text, len));

        if (!test_same(refusal.code, len > code ? "Denied" : "")

            /* a reference that is not whole is left as it stands */

            || !(test_begins(refusal.message, "a&b\xc3\xa9" "c")
                 || test_begins(refusal.message, "a&amp;")
                 || test_begins(refusal.message, "a&b&#233;"))
            || !test_begins(refusal.region, "r-1"))
        {
            bad++;
        }

        if (refusal.region.len != 0
            && (refusal.cut == &refusal.region) == (len > sizeof(text) - 18))
        {
            bad++;
        }

        test_close(memory);
    }

    tap_ok(bad == 0, "S3, cut at each byte: %u are not right", bad);
}


static void
test_cut_json(void)
{
    int              cut;
    size_t           len, code, message, last;
    unsigned         bad;
    sigv4_refusal_t  refusal;
    test_memory_t    memory;

    static const char  text[] = "{\"a\":[1,{\"b\":\"c\"}],\"__type\":\"n#C\","
        "\"message\":\"a\\\"b\\ud83d\\ude00c\"}";

    code = strstr(text, "C\"") + 2 - text;
    message = strstr(text, "a\\\"b") - text;
    last = sizeof(text) - 2;

    bad = 0;

    for (len = 0; len < sizeof(text); len++) {
        memory = test_open(&refusal, tap_bytes(text, len));

        cut = len >= message && len < last;

        if (!test_same(refusal.code, len >= code ? "C" : "")
            || (!test_begins(refusal.message, "a\"b\xf0\x9f\x98\x80" "c")
                && !test_begins(refusal.message, "a\"b?"))
            || (refusal.cut == &refusal.message) != cut
            || (len >= last && refusal.message.len != 8))
        {
            bad++;
        }

        test_close(memory);
    }

    tap_ok(bad == 0, "JSON, cut at each byte: %u are not right", bad);
}


/* as deep as an answer can be, of which no more is kept than of others */

static void
test_hostile(void)
{
    char             text[16384];
    size_t           i, len, part;
    sigv4_refusal_t  refusal;
    test_memory_t    memory;

    static const char  *parts[] = {
        "<Error>", "<a>", "<", "&", "<!--", "<![CDATA[", "{\"a\":", "[",
        "{\"Error\":", "{\"message\":\"\\", "\xbf", "\xa1", "\x79\xff", "\""
    };

    for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        part = strlen(parts[i]);

        for (len = 0; len + part <= sizeof(text); len += part) {
            memcpy(text + len, parts[i], part);
        }

        memory = test_open(&refusal, tap_bytes(text, len));

        tap_ok(refusal.code.len == 0 && refusal.message.len == 0
               && refusal.canonical_request.len == 0, "16 KB of %s",
               i < 10 ? parts[i] : "bytes");

        test_close(memory);
    }

    memset(text, 'a', sizeof(text));
    memcpy(text, "{\"message\":\"", 12);

    memory = test_open(&refusal, tap_bytes(text, sizeof(text)));

    tap_ok(refusal.message.len == sizeof(text) - 12
           && refusal.cut == &refusal.message, "a message of 16 KB");

    test_close(memory);
}


static void
test_read(sigv4_str_t text, sigv4_str_t code, sigv4_str_t message,
    const char *name)
{
    sigv4_refusal_t  refusal;
    test_memory_t    memory;

    memory = test_open(&refusal, text);

    tap_is(refusal.code, code, name);
    tap_is(refusal.message, message, name);

    test_close(memory);
}


/* what is read is written to memory of the same size */

static test_memory_t
test_open(sigv4_refusal_t *refusal, sigv4_str_t text)
{
    sigv4_buf_t    buf;
    test_memory_t  memory;

    memory.text = guard_copy(&text);
    memory.out = guard_create(text.len);

    buf.last = memory.out.data;
    buf.end = memory.out.data + text.len;

    sigv4_refusal_read(refusal, text, &buf);

    return memory;
}


static void
test_close(test_memory_t memory)
{
    guard_destroy(memory.text);
    guard_destroy(memory.out);
}


static int
test_same(sigv4_str_t got, const char *expected)
{
    return got.len == strlen(expected) && test_begins(got, expected);
}


static int
test_begins(sigv4_str_t got, const char *whole)
{
    return got.len <= strlen(whole)
           && (got.len == 0 || memcmp(got.data, whole, got.len) == 0);
}
