
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Answers of STS, as its reference shows them, and what may come instead.
 */


#include "tap.h"
#include "guard.h"
#include "providers/sigv4_sts.h"


/* 2027-01-31T12:00:00Z */
#define TEST_NOW        1801396800

#define TEST_BEGIN                                                            \
    "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">"\
    "\n  <AssumeRoleResult>\n"
#define TEST_END        "</AssumeRoleResult></AssumeRoleResponse>"

#define TEST_ID         "<AccessKeyId>ASIAEXAMPLE</AccessKeyId>"
#define TEST_SECRET     "<SecretAccessKey>s3cr/et+</SecretAccessKey>"
#define TEST_TOKEN      "<SessionToken>t0ken==</SessionToken>"
#define TEST_TIME       "<Expiration>2027-01-31T13:00:00Z</Expiration>"
#define TEST_USER                                                             \
    "<AssumedRoleUser><AssumedRoleId>ARO:x</AssumedRoleId>"                   \
    "<Arn>arn:aws:sts::1:assumed-role/r/x</Arn></AssumedRoleUser>"

#define TEST_CREDENTIALS                                                      \
    "<Credentials>" TEST_ID TEST_SECRET TEST_TOKEN TEST_TIME "</Credentials>"

#define TEST_GOOD                                                             \
    TEST_BEGIN TEST_USER TEST_CREDENTIALS                                     \
    "<PackedPolicySize>6</PackedPolicySize></AssumeRoleResult>"               \
    "<ResponseMetadata><RequestId>c6104cbe</RequestId></ResponseMetadata>"    \
    "</AssumeRoleResponse>\n"


static void test_answers(void);
static void test_errors(void);
static void test_incomplete(void);
static void test_bad(void);
static void test_memory(void);
static void test_good(const char *action, const char *text, const char *token,
    const char *name);
static void test_invalid(const char *text, const char *error,
    const char *name);
static int test_read(const char *action, sigv4_str_t text);


static sigv4_document_t  test_doc;
static guard_t           test_guard;


int
main(void)
{
    test_answers();
    test_errors();
    test_incomplete();
    test_bad();
    test_memory();

    return tap_done();
}


static void
test_answers(void)
{
    test_good("AssumeRole", TEST_GOOD, "t0ken==", "AssumeRole");
    test_good("AssumeRole", "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
              "<!-- x -->" TEST_GOOD, "t0ken==", "a declaration before it");

    test_good("AssumeRoleWithWebIdentity",
              "<AssumeRoleWithWebIdentityResponse>"
              "<AssumeRoleWithWebIdentityResult>"
              "<SubjectFromWebIdentityToken>s</SubjectFromWebIdentityToken>"
              "<Audience>a</Audience>" TEST_USER TEST_CREDENTIALS
              "<Provider>p</Provider></AssumeRoleWithWebIdentityResult>"
              "</AssumeRoleWithWebIdentityResponse>", "t0ken==",
              "AssumeRoleWithWebIdentity");

    test_good("AssumeRole", TEST_BEGIN TEST_USER "<Credentials>" TEST_ID
              TEST_SECRET "<SessionToken>a&lt;&#x42;&amp;c<![CDATA[<d>]]>\n"
              "</SessionToken>" TEST_TIME "</Credentials>" TEST_END,
              "a<B&c<d>\n", "entities and CDATA");
}


static void
test_errors(void)
{
    test_invalid("<ErrorResponse xmlns=\"https://sts.amazonaws.com/\">"
                 "<Error><Type>Sender</Type><Code>ExpiredTokenException</Code>"
                 "<Message>Token expired:\n 1 &lt; 2</Message></Error>"
                 "<RequestId>x</RequestId></ErrorResponse>",
                 "it says \"ExpiredTokenException\": Token expired:? 1 < 2",
                 "an error");
    tap_is(test_doc.code, tap_str("ExpiredTokenException"),
           "  whose code is there by itself");
    test_invalid("<Error><Code>AccessDenied</Code></Error>",
                 "it says \"AccessDenied\"", "an error without a message");
    test_invalid("<ErrorResponse><Error><Message>x</Message></Error>"
                 "</ErrorResponse>", "it is an error without a Code",
                 "an error without a code");
    test_invalid("<ErrorResponse><Code>x</Code></ErrorResponse>",
                 "it is an error without a Code", "a code somewhere else");
    test_invalid("<ErrorResponse>" TEST_CREDENTIALS "</ErrorResponse>",
                 "it is an error without a Code", "credentials in an error");
}


static void
test_incomplete(void)
{
    test_invalid(TEST_BEGIN "<Credentials>" TEST_SECRET TEST_TOKEN TEST_TIME
                 "</Credentials>" TEST_END, "it has no AccessKeyId", "no id");
    test_invalid(TEST_BEGIN "<Credentials>" TEST_ID TEST_TOKEN TEST_TIME
                 "</Credentials>" TEST_END, "it has no SecretAccessKey",
                 "no secret");
    test_invalid(TEST_BEGIN "<Credentials>" TEST_ID TEST_SECRET TEST_TIME
                 "</Credentials>" TEST_END, "it has no SessionToken",
                 "no token");
    test_invalid(TEST_BEGIN "<Credentials>" TEST_ID TEST_SECRET TEST_TOKEN
                 "</Credentials>" TEST_END, "it has no Expiration",
                 "no expiry");
    test_invalid(TEST_BEGIN "<Credentials><AccessKeyId/>" TEST_SECRET
                 TEST_TOKEN TEST_TIME "</Credentials>" TEST_END,
                 "it has no AccessKeyId", "an empty id");
    test_invalid(TEST_BEGIN "<Credentials>" TEST_ID TEST_SECRET TEST_TOKEN
                 "<Expiration/></Credentials>" TEST_END,
                 "its Expiration is not a time", "an empty expiry");
    test_invalid(TEST_BEGIN "<Credentials>" TEST_ID TEST_SECRET TEST_TOKEN
                 "<Expiration>2027-01-31T12:00:00Z</Expiration></Credentials>"
                 TEST_END, "its credentials have expired", "expired ones");

    test_invalid(TEST_BEGIN "</AssumeRoleResult>" TEST_CREDENTIALS
                 "</AssumeRoleResponse>", "it has no AccessKeyId",
                 "credentials one level up");
    test_invalid(TEST_BEGIN "<x>" TEST_CREDENTIALS "</x>" TEST_END,
                 "it has no AccessKeyId", "and one level down");
    test_invalid(TEST_BEGIN "<x:Credentials>" TEST_ID "</x:Credentials>"
                 TEST_END, "it has no AccessKeyId", "of another name");
}


static void
test_bad(void)
{
    char  text[4096], *p;

    test_invalid("", "it is not XML (line 1)", "no byte");
    test_invalid("{\"Error\":1}", "it is not XML (line 1)", "JSON");
    test_invalid("<html><body>s3cr/et+</body></html>",
                 "its XML is not an answer of STS", "a page");
    test_invalid("<AssumeRoleWithWebIdentityResponse/>",
                 "its XML is not an answer of STS",
                 "the answer to another action");
    test_invalid("<AssumeRole/>", "its XML is not an answer of STS",
                 "a name that begins like it");
    test_invalid(TEST_BEGIN TEST_CREDENTIALS "</AssumeRoleResult>",
                 "it is not XML", "a document that was cut");
    test_invalid(TEST_GOOD "x", "it is not XML", "text behind it");
    test_invalid(TEST_GOOD TEST_GOOD, "it is not XML", "two of them");
    test_invalid(TEST_BEGIN "\n&s3cr;" TEST_END, "it is not XML (line 4)",
                 "an entity that is not known");
    test_invalid(TEST_BEGIN "<Credentials>" TEST_ID TEST_ID "</Credentials>"
                 TEST_END, "its XML has a value twice", "two ids");
    test_invalid(TEST_BEGIN TEST_CREDENTIALS "<Credentials><AccessKeyId/>"
                 "</Credentials>" TEST_END, "its XML has a value twice",
                 "two sets");
    test_invalid(TEST_BEGIN "<Credentials><AccessKeyId>A<b>c</b></AccessKeyId>"
                 "</Credentials>" TEST_END,
                 "its XML has an element within a value", "markup in an id");
    test_invalid("<!DOCTYPE AssumeRoleResponse [<!ENTITY x \"y\">]>" TEST_GOOD,
                 "its XML has a document type", "a document type");
    test_invalid("<!DOCTYPE x SYSTEM \"http://127.0.0.1/x.dtd\">" TEST_GOOD,
                 "its XML has a document type", "an external one");
    test_invalid("\xff\xfe<\0E\0", "it is not XML (line 1)", "UTF-16");

    strcpy(text, "<ErrorResponse>");

    for (p = text + strlen(text); p < text + 4000; p += 3) {
        memcpy(p, "<a>", 3);
    }

    *p = '\0';
    test_invalid(text, "its XML is nested too deeply", "1300 levels");

    memset(text, 'x', 300);
    text[0] = '<';
    memcpy(text + 300, "/>", 3);
    test_invalid(text, "its XML is nested too deeply", "a long name");
}


static void
test_memory(void)
{
    char         *text, *p;
    uint8_t       scratch[65536];
    unsigned      i;
    sigv4_buf_t   buf;

    buf.last = scratch;
    buf.end = scratch + sizeof(scratch);

    tap_is_code(sigv4_sts_credentials(&test_doc, "AssumeRole",
                                      tap_str(TEST_GOOD), &buf, TEST_NOW),
                SIGV4_INVALID, "a buffer that is too small");
    tap_ok(strcmp(test_doc.error, "its XML is too long") == 0,
           "  this is said");

    /* expat keeps each attribute's name, and a place for its value */

    text = malloc(131072);

    if (text == NULL) {
        exit(2);
    }

    p = text + sprintf(text, "<Error ");

    for (i = 0; i < 9000; i++) {
        p += sprintf(p, "a%x=\"\" ", i);
    }

    strcpy(p, "/>");
    test_invalid(text, "its XML is too complex", "9000 attributes");

    free(text);
}


static void
test_good(const char *action, const char *text, const char *token,
    const char *name)
{
    if (!tap_is_code(test_read(action, tap_str(text)), SIGV4_OK, name)) {
        printf("#   %s\n", test_doc.error);
    }

    tap_is(test_doc.value.access_key_id, tap_str("ASIAEXAMPLE"), "  its id");
    tap_is(test_doc.value.secret_access_key, tap_str("s3cr/et+"),
           "  its secret");
    tap_is(test_doc.value.session_token, tap_str(token), "  its token");
    tap_is(test_doc.role_arn, tap_str("arn:aws:sts::1:assumed-role/r/x"),
           "  its role");
    tap_ok(test_doc.expires == TEST_NOW + 3600, "  its expiry");
}


static void
test_invalid(const char *text, const char *error, const char *name)
{
    tap_is_code(test_read("AssumeRole", tap_str(text)), SIGV4_INVALID, name);

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
test_read(const char *action, sigv4_str_t text)
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

    rc = sigv4_sts_credentials(&test_doc, action, text, &buf, TEST_NOW);

    guard_destroy(guard);

    return rc;
}
