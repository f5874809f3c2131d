
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Credentials as IMDS, the container endpoints and credential_process say
 * them, and what they say instead.  The memory of jansson is the buffer, so
 * that nothing of a document is anywhere else.
 */


#include <jansson.h>

#include "tap.h"
#include "guard.h"
#include "providers/sigv4_arena.h"
#include "providers/sigv4_json.h"


/* 2027-01-31T12:00:00Z */
#define TEST_NOW        1801396800

#define TEST_KEYS                                                             \
    "\"AccessKeyId\":\"ASIAEXAMPLE\",\"SecretAccessKey\":\"s3cr/et+\","
#define TEST_TOKEN      "\"Token\":\"t0ken==\","
#define TEST_TIME       "\"Expiration\":\"2027-01-31T18:00:00Z\""

#define TEST_IMDS                                                             \
    "{\"Code\":\"Success\",\"LastUpdated\":\"2027-01-31T11:59:00Z\","         \
    "\"Type\":\"AWS-HMAC\"," TEST_KEYS TEST_TOKEN TEST_TIME "}"


static void test_imds(void);
static void test_container(void);
static void test_process(void);
static void test_bounds(void);
static void test_memory(void);
static void test_good(const sigv4_json_form_t *form, const char *text,
    const char *token, time_t expires, const char *name);
static void test_invalid(const sigv4_json_form_t *form, const char *text,
    const char *error, const char *name);
static int test_read(const sigv4_json_form_t *form, sigv4_str_t text,
    time_t now);
static int test_small(void);
static void *test_malloc(size_t size);
static void test_free(void *p);


static sigv4_document_t  test_doc;
static guard_t           test_guard;
static unsigned          test_mallocs;


int
main(void)
{
    test_imds();
    test_container();
    test_process();
    test_bounds();
    test_memory();

    return tap_done();
}


static void
test_imds(void)
{
    static const sigv4_json_form_t  *form = &sigv4_json_imds;

    test_good(form, TEST_IMDS, "t0ken==", TEST_NOW + 21600, "IMDS");
    test_good(form, "{" TEST_KEYS TEST_TOKEN TEST_TIME "}\n", "t0ken==",
              TEST_NOW + 21600, "without a Code");

    test_invalid(form, "{\"Code\":\"AssumeRoleUnauthorizedAccess\","
                 "\"Message\":\"EC2 cannot assume the role x\"}",
                 "it says \"AssumeRoleUnauthorizedAccess\": EC2 cannot assume "
                 "the role x", "another Code");
    tap_is(test_doc.code, tap_str("AssumeRoleUnauthorizedAccess"),
           "  which is there by itself");
    test_invalid(form, "{\"Code\":\"Failed\"," TEST_KEYS TEST_TOKEN TEST_TIME
                 "}", "it says \"Failed\"", "a Code beside credentials");
    test_invalid(form, "{\"Code\":\"success\"," TEST_KEYS TEST_TOKEN TEST_TIME
                 "}", "it says \"success\"", "in another case");
    test_invalid(form, "{\"Code\":\"a\\u0007\xc3\xa9\\n\",\"Message\":\"\"}",
                 "it says \"a????\"", "a Code that is not printable");
    test_invalid(form, "{\"Code\":1," TEST_KEYS TEST_TOKEN TEST_TIME "}",
                 "its Code is not a string", "a number as a Code");

    test_invalid(form, "{\"SecretAccessKey\":\"s\"," TEST_TOKEN TEST_TIME "}",
                 "it has no AccessKeyId", "no id");
    test_invalid(form, "{\"AccessKeyId\":\"a\"," TEST_TOKEN TEST_TIME "}",
                 "it has no SecretAccessKey", "no secret");
    test_invalid(form, "{" TEST_KEYS TEST_TIME "}", "it has no Token",
                 "no token");
    test_invalid(form, "{" TEST_KEYS "\"Token\":\"t\"}",
                 "it has no Expiration", "no expiry");
    test_invalid(form, "{\"AccessKeyId\":\"\",\"SecretAccessKey\":\"s\","
                 TEST_TOKEN TEST_TIME "}", "it has no AccessKeyId",
                 "an empty id");
    test_invalid(form, "{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"\","
                 TEST_TOKEN TEST_TIME "}", "it has no SecretAccessKey",
                 "an empty secret");
    test_invalid(form, "{" TEST_KEYS "\"Token\":\"\"," TEST_TIME "}",
                 "it has no Token", "an empty token");
    test_invalid(form, "{" TEST_KEYS "\"Token\":null," TEST_TIME "}",
                 "it has no Token", "null as a token");
    test_invalid(form, "{" TEST_KEYS "\"Token\":[\"t\"]," TEST_TIME "}",
                 "its Token is not a string", "an array as a token");
    test_invalid(form, "{" TEST_KEYS "\"SessionToken\":\"t\"," TEST_TIME "}",
                 "it has no Token", "a token of another name");
    test_invalid(form, "{" TEST_KEYS TEST_TOKEN "\"Expiration\":1801418400}",
                 "its Expiration is not a string", "a number as a time");
    test_invalid(form, "{" TEST_KEYS TEST_TOKEN "\"Expiration\":\"later\"}",
                 "its Expiration is not a time", "no time");
    test_invalid(form, "{" TEST_KEYS TEST_TOKEN "\"Expiration\":\"\"}",
                 "its Expiration is not a time", "an empty time");
    test_invalid(form, "{" TEST_KEYS TEST_TOKEN
                 "\"Expiration\":\"2027-01-31T12:00:00Z\"}",
                 "its credentials have expired", "expired this second");

    tap_is_code(test_read(form, tap_str("{" TEST_KEYS TEST_TOKEN
                          "\"Expiration\":\"2027-01-31T11:00:00Z\"}"), 0),
                SIGV4_OK, "expired ones, where they are taken");
    tap_ok(test_doc.expires == TEST_NOW - 3600, "  and say when that was");
}


static void
test_container(void)
{
    static const sigv4_json_form_t  *form = &sigv4_json_container;

    test_good(form, "{" TEST_KEYS TEST_TOKEN TEST_TIME ",\"AccountId\":"
              "\"123456789012\",\"RoleArn\":\"arn:aws:iam::1:role/x\"}",
              "t0ken==", TEST_NOW + 21600, "a container endpoint");

    tap_is_code(test_read(form, tap_str("{" TEST_KEYS TEST_TOKEN TEST_TIME
                          ",\"AccountId\":\"123456789012\","
                          "\"RoleArn\":\"arn:aws:iam::1:role/x\"}"),
                          TEST_NOW), SIGV4_OK, "its further fields");
    tap_is(test_doc.account_id, tap_str("123456789012"), "  the account");
    tap_is(test_doc.role_arn, tap_str("arn:aws:iam::1:role/x"), "  the role");

    test_invalid(form, "{\"code\":\"NoAuthToken\",\"message\":\"no \\\"tok"
                 "en\\\" was\\tsent\",\"HTTPErrorCode\":400}",
                 "it says \"NoAuthToken\": no \"token\" was?sent",
                 "an error in lower case");
    test_invalid(form, "{\"code\":\"x\",\"message\":7}",
                 "its message is not a string", "a message that is none");
    test_invalid(form, "{\"message\":\"Internal Server Error\"}",
                 "it has no AccessKeyId", "a message alone");
    test_invalid(form, "{\"roleCredentials\":{" TEST_KEYS TEST_TOKEN TEST_TIME
                 "}}", "it has no AccessKeyId", "credentials one level down");
}


static void
test_process(void)
{
    static const sigv4_json_form_t  *form = &sigv4_json_process;

    test_good(form, "{\"Version\":1," TEST_KEYS
              "\"SessionToken\":\"t\"," TEST_TIME "}", "t",
              TEST_NOW + 21600, "a process");
    test_good(form, " {\n\"Version\": 1," TEST_KEYS "\"x\":0\n}\n\n", "", 0,
              "without a token or an expiry");
    test_good(form, "{\"Version\":1," TEST_KEYS
              "\"SessionToken\":null,\"Expiration\":null}", "", 0,
              "with null for them");
    test_good(form, "{\"Version\":1," TEST_KEYS "\"SessionToken\":\"\"}", "",
              0, "with an empty token");

    test_invalid(form, "{" TEST_KEYS TEST_TIME "}", "its Version is not 1",
                 "no version");
    test_invalid(form, "{\"Version\":\"1\"," TEST_KEYS TEST_TIME "}",
                 "its Version is not 1", "a string as a version");
    test_invalid(form, "{\"Version\":1.0," TEST_KEYS TEST_TIME "}",
                 "its Version is not 1", "a real number");
    test_invalid(form, "{\"Version\":2," TEST_KEYS TEST_TIME "}",
                 "its Version is not 1", "another version");
    test_invalid(form, "{\"Version\":1," TEST_KEYS "\"Expiration\":\"\"}",
                 "its Expiration is not a time", "an empty time");
    test_invalid(form, "{\"Version\":1," TEST_KEYS
                 "\"Expiration\":\"2020-01-01T00:00:00Z\"}",
                 "its credentials have expired", "expired ones");
}


static void
test_bounds(void)
{
    char    text[6000], *p;
    size_t  i;

    static const sigv4_json_form_t  *form = &sigv4_json_imds;

    test_invalid(form, "", "it is not JSON (line 1, column 0)", "no byte");
    test_invalid(form, "<html>s3cr/et+</html>",
                 "it is not JSON (line 1, column 1)", "a page");
    test_invalid(form, "{" TEST_KEYS TEST_TOKEN "\"Expiration\":\"2027",
                 "it is not JSON", "a document that was cut");
    test_invalid(form, TEST_IMDS TEST_IMDS, "it is not JSON", "two of them");
    test_invalid(form, "{" TEST_KEYS TEST_KEYS TEST_TOKEN TEST_TIME "}",
                 "its JSON has a name twice", "a name that comes twice");
    test_invalid(form, "[" TEST_IMDS "]", "it is not a JSON object",
                 "an array");
    test_invalid(form, "\"" "s3cr/et+" "\"", "it is not JSON", "a string");
    test_invalid(form, "{\"Code\":\"\xff\"}", "it is not JSON",
                 "bytes that are not UTF-8");
    test_invalid(form, "{\"Code\":\"a\\u0000b\"}", "it is not JSON",
                 "a character of zero");

    memset(text, '[', 5999);
    text[5999] = '\0';
    test_invalid(form, text, "its JSON is too complex", "5999 levels");

    /* as much as is allowed, of what takes the most memory */

    p = text + sprintf(text, "{");

    for (i = 0; i < 42; i++) {
        p += sprintf(p, "\"%zu\":{},", i);
    }

    strcpy(p - 1, ",\"x\":1}");
    test_invalid(form, text, "it has no AccessKeyId", "128 marks");
    tap_ok(!sigv4_arena_full(), "  for which there is memory enough");

    strcpy(p - 1, ",\"x\":{}}");
    test_invalid(form, text, "its JSON is too complex", "and more");

    memset(text, ',', 5999);
    memcpy(text, "{\"Code\":\"\\\"", sizeof("{\"Code\":\"\\\"") - 1);
    memcpy(text + 5997, "\"}", 2);
    text[5999] = '\0';
    test_invalid(form, text, "it says \"\",,,", "marks within a string");
    tap_ok(!sigv4_arena_full(), "  which there is memory enough for");

    tap_is_code(test_small(), SIGV4_INVALID, "a buffer that is too small");
    tap_ok(strcmp(test_doc.error, "its JSON is too long") == 0,
           "  this is said");
}


/* jansson has the functions that it had, and they were not used */

static void
test_memory(void)
{
    json_free_t    free_pt;
    json_malloc_t  malloc_pt;

    json_set_alloc_funcs(test_malloc, test_free);

    tap_is_code(test_read(&sigv4_json_imds, tap_str(TEST_IMDS), TEST_NOW),
                SIGV4_OK, "with functions of another user of jansson");
    tap_ok(test_mallocs == 0, "  they were not called");
    tap_ok(test_doc.value.secret_access_key.data > test_guard.data
           && test_doc.value.secret_access_key.data
              < test_guard.data + test_guard.size,
           "  the secret is in the buffer");

    json_get_alloc_funcs(&malloc_pt, &free_pt);
    tap_ok(malloc_pt == test_malloc && free_pt == test_free,
           "  they are there again");

    tap_ok(!sigv4_arena_full(), "  there was memory enough");
}


static void
test_good(const sigv4_json_form_t *form, const char *text, const char *token,
    time_t expires, const char *name)
{
    int  ok;

    ok = tap_is_code(test_read(form, tap_str(text), TEST_NOW), SIGV4_OK,
                     name);

    if (!ok) {
        printf("#   %s\n", test_doc.error);
    }

    tap_is(test_doc.value.access_key_id, tap_str("ASIAEXAMPLE"), "  its id");
    tap_is(test_doc.value.secret_access_key, tap_str("s3cr/et+"),
           "  its secret");
    tap_is(test_doc.value.session_token, tap_str(token), "  its token");
    tap_ok(test_doc.expires == expires, "  its expiry");
}


static void
test_invalid(const sigv4_json_form_t *form, const char *text,
    const char *error, const char *name)
{
    tap_is_code(test_read(form, tap_str(text), TEST_NOW), SIGV4_INVALID,
                name);

    if (!tap_ok(strncmp(test_doc.error, error, strlen(error)) == 0
                && strstr(test_doc.error, "s3cr") == NULL
                && test_doc.value.access_key_id.len == 0
                && test_doc.value.secret_access_key.len == 0
                && test_doc.value.session_token.len == 0,
                "  this is said, and no more"))
    {
        printf("#   got      %s\n#   expected %s\n", test_doc.error, error);
    }
}


static int
test_read(const sigv4_json_form_t *form, sigv4_str_t text, time_t now)
{
    int          rc;
    guard_t      guard;
    sigv4_buf_t  buf;

    guard = guard_copy(&text);

    /* the result of the call before is not looked at any more */

    if (test_guard.map != NULL) {
        guard_destroy(test_guard);
    }

    test_guard = guard_create(sigv4_document_size(text.len));

    buf.last = test_guard.data;
    buf.end = test_guard.data + test_guard.size;

    rc = sigv4_json_credentials(&test_doc, form, text, &buf, now);

    /* the result must not point into the text */

    guard_destroy(guard);

    return rc;
}


static int
test_small(void)
{
    uint8_t      scratch[65536];
    sigv4_buf_t  buf;

    buf.last = scratch;
    buf.end = scratch + sizeof(scratch);

    return sigv4_json_credentials(&test_doc, &sigv4_json_imds,
                                  tap_str(TEST_IMDS), &buf, TEST_NOW);
}


static void *
test_malloc(size_t size)
{
    test_mallocs++;

    return malloc(size);
}


static void
test_free(void *p)
{
    free(p);
}
