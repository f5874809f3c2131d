
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * What STS is asked, and what is refused before it is asked.  Limits and
 * patterns are those of its API reference.
 */


#include "tap.h"
#include "guard.h"
#include "providers/sigv4_role.h"


#define TEST_ROLE                 "arn:aws:iam::123456789012:role/r"

#define TEST_BEGIN                                                            \
    "&Version=2011-06-15"                                                     \
    "&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fr"                   \
    "&RoleSessionName=me%40host"


typedef const char *(*test_check_pt)(sigv4_str_t value);


static void test_arns(void);
static void test_names(void);
static void test_tags(void);
static void test_durations(void);
static void test_forms(void);
static void test_valid(test_check_pt check, const char *value);
static void test_refused(test_check_pt check, const char *value);
static void test_session(const char *in, const char *expected);
static void test_form(const sigv4_role_t *role, const char *token,
    const char *expected, const char *name);
static char *test_repeat(char c, size_t n);


int
main(void)
{
    test_arns();
    test_names();
    test_tags();
    test_durations();
    test_forms();

    return tap_done();
}


static void
test_arns(void)
{
    test_valid(sigv4_role_check_arn, TEST_ROLE);
    test_valid(sigv4_role_check_arn,
               "arn:aws-cn:iam::123456789012:role/path/to/a+=,.@-_r");
    test_valid(sigv4_role_check_arn, "arn:aws-us-gov:iam::1:role/r");
    test_valid(sigv4_role_check_arn, "arn:aws:iam:::role/r1");

    test_refused(sigv4_role_check_arn, "");
    test_refused(sigv4_role_check_arn, "r");
    test_refused(sigv4_role_check_arn, "arn:aws:iam::1:role/");
    test_refused(sigv4_role_check_arn, "arn:aws:iam::1:role");
    test_refused(sigv4_role_check_arn, "arn:aws:iam::1:user/r");
    test_refused(sigv4_role_check_arn, "arn:aws:sts::1:assumed-role/r/s");
    test_refused(sigv4_role_check_arn, "arn:aws:iam:us-east-1:1:role/r");
    test_refused(sigv4_role_check_arn, "arn::iam::1:role/r");
    test_refused(sigv4_role_check_arn, "aws:aws:iam::1:role/r");
    test_refused(sigv4_role_check_arn, "arn:aws:iam::1");
    test_refused(sigv4_role_check_arn, "arn:aws:iam::1:role/a b");
    test_refused(sigv4_role_check_arn, "arn:aws:iam::1:role/a\nb");
    test_refused(sigv4_role_check_arn, "arn:aws:iam::1:role/\xc3\xa9");
}


static void
test_names(void)
{
    test_valid(sigv4_role_check_session_name, "me");
    test_valid(sigv4_role_check_session_name, "A_z0=,.@+-");
    test_refused(sigv4_role_check_session_name, "m");
    test_refused(sigv4_role_check_session_name, "a b");
    test_refused(sigv4_role_check_session_name, "a/b");
    test_refused(sigv4_role_check_session_name, "a:b");

    test_session("nginx-host.example", "nginx-host.example");
    test_session("a b/c:d\xc3\xa9%", "a-b-c-d---");
    test_session("", "");
    test_session(test_repeat('x', 63), test_repeat('x', 63));
    test_session(test_repeat('x', 64), test_repeat('x', 64));
    test_session(test_repeat('x', 65), test_repeat('x', 64));

    test_valid(sigv4_role_check_external_id, "ab");
    test_valid(sigv4_role_check_external_id, "A_z0=,.@:/-+");
    test_valid(sigv4_role_check_external_id, test_repeat('x', 1224));
    test_refused(sigv4_role_check_external_id, "a");
    test_refused(sigv4_role_check_external_id, test_repeat('x', 1225));
    test_refused(sigv4_role_check_external_id, "a&b");

    test_valid(sigv4_role_check_source_identity, test_repeat('x', 64));
    test_refused(sigv4_role_check_source_identity, test_repeat('x', 65));
    test_refused(sigv4_role_check_source_identity, "x");
}


static void
test_tags(void)
{
    test_valid(sigv4_role_check_tags, "k=v");
    test_valid(sigv4_role_check_tags, "k=");
    test_valid(sigv4_role_check_tags, "a b:c/d+e@f-_.~=g h");
    test_valid(sigv4_role_check_tags, "\xc3\xa9=\xe2\x82\xac,k=v");
    test_valid(sigv4_role_check_tags, "k=a=b,l==");
    test_refused(sigv4_role_check_tags, "k");
    test_refused(sigv4_role_check_tags, "=v");
    test_refused(sigv4_role_check_tags, "k=v,");
    test_refused(sigv4_role_check_tags, ",k=v");
    test_refused(sigv4_role_check_tags, "k=v&l=w");
    test_refused(sigv4_role_check_tags, "k=v\n");
    test_refused(sigv4_role_check_tags, test_repeat(',', 50));
}


static void
test_durations(void)
{
    size_t  i;

    static const struct {
        const char  *text;
        unsigned     value;
    } cases[] = {
        { "900", 900 },
        { "3600", 3600 },
        { "43200", 43200 },
        { "0900", 900 },
        { "", 0 },
        { "899", 0 },
        { "43201", 0 },
        { "4294968196", 0 },    /* 900 and 2^32 */
        { "18446744073709552516", 0 },
        { "-900", 0 },
        { "+900", 0 },
        { "1h", 0 },
        { " 900", 0 },
        { "900.0", 0 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tap_ok(sigv4_role_duration(tap_str(cases[i].text)) == cases[i].value,
               "duration \"%s\" is %u", cases[i].text, cases[i].value);
    }
}


static void
test_forms(void)
{
    sigv4_role_t  role;

    memset(&role, 0, sizeof(sigv4_role_t));

    role.arn = tap_str(TEST_ROLE);
    role.session_name = tap_str("me@host");

    test_form(&role, "", "Action=AssumeRole" TEST_BEGIN, "a role");

    test_form(&role, "ey.a+b/c=",
              "Action=AssumeRoleWithWebIdentity" TEST_BEGIN
              "&WebIdentityToken=ey.a%2Bb%2Fc%3D", "a web identity");

    role.duration = 43200;
    role.external_id = tap_str("x:1/2");
    role.source_identity = tap_str("a=b,c");
    role.tags = tap_str("k l=v w,m=,\xc3\xa9=&=");

    test_form(&role, "",
              "Action=AssumeRole" TEST_BEGIN
              "&DurationSeconds=43200&ExternalId=x%3A1%2F2"
              "&SourceIdentity=a%3Db%2Cc"
              "&Tags.member.1.Key=k%20l&Tags.member.1.Value=v%20w"
              "&Tags.member.2.Key=m&Tags.member.2.Value="
              "&Tags.member.3.Key=%C3%A9&Tags.member.3.Value=%26%3D",
              "all there is");
}


static void
test_valid(test_check_pt check, const char *value)
{
    const char  *err;

    err = check(tap_str(value));

    tap_ok(err == NULL, "\"%.40s\" is taken", value);

    if (err != NULL) {
        printf("#   it %s\n", err);
    }
}


static void
test_refused(test_check_pt check, const char *value)
{
    size_t       i;
    char         shown[41];
    sigv4_str_t  str;

    str = tap_str(value);

    for (i = 0; i < str.len && i < 40; i++) {
        shown[i] = value[i] < 0x20 ? '?' : value[i];
    }

    shown[i] = '\0';

    tap_ok(check(str) != NULL, "\"%s\" is refused", shown);
}


static void
test_session(const char *in, const char *expected)
{
    uint8_t  name[SIGV4_ROLE_SESSION_NAME];

    tap_is(sigv4_role_session_name(tap_str(in), name), tap_str(expected),
           "the name of a session");
}


/* in a buffer of the size that is said to be enough, and in all below it */

static void
test_form(const sigv4_role_t *role, const char *token, const char *expected,
    const char *name)
{
    int          failed;
    size_t       size, len;
    guard_t      out;
    sigv4_buf_t  buf;
    sigv4_str_t  form;

    size = sigv4_role_form_size(role, tap_str(token));
    out = guard_create(size);

    buf.last = out.data;
    buf.end = out.data + size;

    tap_is_code(sigv4_role_form(role, tap_str(token), &buf, &form), SIGV4_OK,
                name);
    tap_is(form, tap_str(expected), name);

    guard_destroy(out);

    failed = 0;

    for (len = 0; len < strlen(expected); len++) {
        out = guard_create(len);

        buf.last = out.data;
        buf.end = out.data + len;

        failed += sigv4_role_form(role, tap_str(token), &buf, &form)
                  != SIGV4_NOSPACE;

        guard_destroy(out);
    }

    tap_ok(failed == 0, "%s: a buffer that is too small is an error", name);
}


/* lives until the end */

static char *
test_repeat(char c, size_t n)
{
    static char   memory[8192];
    static size_t used;

    char  *s;

    s = memory + used;
    used += n + 1;

    if (used > sizeof(memory)) {
        exit(2);
    }

    memset(s, c, n);
    s[n] = '\0';

    return s;
}
