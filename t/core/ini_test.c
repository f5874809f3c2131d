
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The files of the AWS CLI, line by line.  What is read from a text is
 * written down as "[section]", "key=value", "key=value+" where the value
 * goes on, and "!" with the number of a line that is wrong.
 */


#include "tap.h"
#include "guard.h"
#include "providers/sigv4_ini.h"


static void test_text(const char *text, const char *expected,
    const char *name);
static void test_bytes(const void *text, size_t len, const char *expected,
    const char *name);
static void test_profile(const char *section, const char *name, int config,
    int expected);
static void test_names(void);
static void test_nested(void);
static void test_services(const char *section, const char *name,
    int expected);
static void test_lines(void);


int
main(void)
{
    test_text("", "", "an empty file");
    test_text("[a]\nk = v\n", "[a] k=v", "a section and a key");
    test_text("[a]\nk=v", "[a] k=v", "no newline at the end");
    test_text("\n\n  \t\n[a]\n\nk=v\n\n", "[a] k=v", "empty lines");
    test_text("[a]\r\nk = v\r\n", "[a] k=v", "lines of Windows");
    test_text("[a]\rk = v\r", "[a] k=v", "lines of an old Mac");
    test_text("\xef\xbb\xbf[a]\nk=v", "[a] k=v", "a byte order mark");
    test_text("\xef\xbb\xbf", "", "a byte order mark alone");
    test_text("\xef\xbb[a]\n", "!1", "a part of one");

    test_text("[ a b ]\nk=v", "[a b] k=v", "blanks around a section's name");
    test_text("[a] # c\n[b];c\n[c]  \n", "[a] [b] [c]",
              "a comment after a section");
    test_text("[a]x\n", "!1", "anything else after it");
    test_text("[]\n", "!1", "a section without a name");
    test_text("[ ]\n", "!1", "a section named by a blank");
    test_text("[a\n", "!1", "a section that is not closed");
    test_text("[a]\n[a]\nk=1\n[b]\n[a]\nk=2", "[a] [a] k=1 [b] [a] k=2",
              "a section that comes again");

    test_text("k=v\n[a]\n", "!1", "a key before any section");
    test_text("[a]\n\nk\n", "[a] !3", "a key without a value");
    test_text("[a]\n=v\n", "[a] !2", "a value without a key");
    test_text("[a]\n = v\n", "[a] !2", "a value without a key, indented");
    test_text("[a]\nk=\n", "[a] k=", "an empty value");
    test_text("[a]\nk =  \t \n", "[a] k=", "a value of blanks");
    test_text("[a]\n\tk \v=\f v w  \n", "[a] k=v w", "blanks around both");
    test_text("[a]\nk=v=w==\n", "[a] k=v=w==", "more equals signs");
    test_text("[a]\nk:v\n", "[a] !2", "a colon is no equals sign");
    test_text("[a]\nk:v=w\n", "[a] k:v=w", "a colon belongs to the key");
    test_text("[a]\nk=1\nk=2\n", "[a] k=1 k=2", "a key that comes again");

    test_text("#[a]\n;k\n[a]\n#k=v\n  ; k=v\nk=v\n", "[a] k=v", "comments");
    test_text("[a]\nk=v #c\nl=v\t; c\n", "[a] k=v l=v",
              "comments after a value");
    test_text("[a]\nk=v#w\nl=a;b;c # d\n", "[a] k=v#w l=a;b;c",
              "no comment without a blank before it");
    test_text("[a]\nk= # c\nl=# c\n", "[a] k= l=# c",
              "a comment in place of a value");
    test_text("[a]\nk=a # b ; c\n", "[a] k=a", "the first comment counts");

    test_text("[a]\ns3 =\n  k = v\n  l = w\nm=x\n", "[a] s3=+ m=x",
              "settings below a key");
    test_text("[a]\nk=v\n  w\n\nl=x\n", "[a] k=v+ l=x",
              "a value that goes on");
    test_text("[a]\nk=v\n  # c\n\nl=x\n", "[a] k=v l=x",
              "a comment does not go on with a value");
    test_text("[a]\nk=v\n\n   w\n", "[a] k=v+",
              "a value that goes on after an empty line");
    test_text("[a]\n  k=v\n  l=w\n", "[a] k=v l=w",
              "keys that are indented alike");
    test_text("[a]\n  k=v\n    l=w\n m=x\n", "[a] k=v+ m=x",
              "and one that is indented more");
    test_text("[a]\nk=v\n  [b]\nl=w\n", "[a] k=v+ l=w",
              "what looks like a section belongs to the value");
    test_text("  [a]\n  k=v\n", "[a] k=v", "a section that is indented");
    test_text("[a]\nk=v\n  x\n[b]\n  l=w\n", "[a] k=v+ [b] l=w",
              "a section ends a value");
    test_text("[a]\nk=v\n  x\nl\n", "[a] k=v+ !4",
              "lines are counted after a value that goes on");

    test_bytes("[a]\nk=\0v\0\n", 10, "[a] k=\\0v\\0", "NUL is a byte");

    test_lines();
    test_names();
    test_nested();

    test_profile("default", "default", 0, 1);
    test_profile("prod", "prod", 0, 1);
    test_profile("prod", "Prod", 0, 0);
    test_profile("profile prod", "prod", 0, 0);
    test_profile("profile prod", "profile prod", 0, 1);
    test_profile("default", "default", 1, 1);
    test_profile("profile default", "default", 1, 1);
    test_profile("prod", "prod", 1, 0);
    test_profile("profile prod", "prod", 1, 1);
    test_profile("profile \t prod", "prod", 1, 1);
    test_profile("profile \"my prod\"", "my prod", 1, 1);
    test_profile("profile 'my prod'", "my prod", 1, 1);
    test_profile("profile \"prod'", "prod", 1, 0);
    test_profile("profile \"", "\"", 1, 0);
    test_profile("profile my prod", "my prod", 1, 0);
    test_profile("profile \"\"", "", 1, 1);
    test_profile("profile", "", 1, 0);
    test_profile("profileprod", "prod", 1, 0);
    test_profile("sso-session prod", "prod", 1, 0);
    test_profile("services prod", "prod", 1, 0);
    test_profile("profile default2", "default", 1, 0);

    test_services("services s", "s", 1);
    test_services("services \t s", "s", 1);
    test_services("services \"my s\"", "my s", 1);
    test_services("services my s", "my s", 0);
    test_services("services t", "s", 0);
    test_services("services", "", 0);
    test_services("servicess", "s", 0);
    test_services("profile s", "s", 0);
    test_services("s", "s", 0);

    return tap_done();
}


static void
test_text(const char *text, const char *expected, const char *name)
{
    test_bytes(text, strlen(text), expected, name);
}


/* the text ends where no memory follows it */

static void
test_bytes(const void *text, size_t len, const char *expected,
    const char *name)
{
    int          rc, n;
    char         got[512], *p;
    size_t       i;
    guard_t      guard;
    sigv4_str_t  str;
    sigv4_ini_t  ini;

    str = tap_bytes(text, len);
    guard = guard_copy(&str);

    sigv4_ini_init(&ini, str);

    n = 0;
    p = got;

    for ( ;; ) {
        rc = sigv4_ini_next(&ini);

        if (rc == SIGV4_INI_END) {
            break;
        }

        p += sprintf(p, "%s", n++ ? " " : "");

        if (rc == SIGV4_INI_SECTION) {
            p += sprintf(p, "[%.*s]", (int) ini.section.len,
                         (const char *) ini.section.data);
            continue;
        }

        if (rc != SIGV4_INI_KEY) {
            p += sprintf(p, "!%zu", ini.line);
            break;
        }

        p += sprintf(p, "%.*s=", (int) ini.key.len,
                     (const char *) ini.key.data);

        for (i = 0; i < ini.value.len; i++) {
            p += ini.value.data[i] ? sprintf(p, "%c", ini.value.data[i])
                                   : sprintf(p, "\\0");
        }

        p += sprintf(p, "%s", ini.continued ? "+" : "");
    }

    tap_is(tap_bytes(got, p - got), tap_str(expected), name);

    guard_destroy(guard);
}


static void
test_lines(void)
{
    sigv4_ini_t  ini;

    sigv4_ini_init(&ini, tap_str("\n[a]\r\n\r\n k = v\n  w\n\n# c\nl=x\n"));

    (void) sigv4_ini_next(&ini);
    tap_ok(ini.line == 2, "the number of a section's line");

    (void) sigv4_ini_next(&ini);
    tap_ok(ini.line == 4, "the number of a key's line");

    (void) sigv4_ini_next(&ini);
    tap_ok(ini.line == 8, "and of one after a value that goes on");
}


static void
test_names(void)
{
    sigv4_ini_t  ini;

    sigv4_ini_init(&ini, tap_str("[a]\nAws_ACCESS_key_Id = v\n"));

    (void) sigv4_ini_next(&ini);
    (void) sigv4_ini_next(&ini);

    tap_ok(sigv4_ini_is(&ini, "aws_access_key_id"),
           "keys are the same in any case of letters");
    tap_ok(!sigv4_ini_is(&ini, "aws_access_key_i"), "but not a part of one");
    tap_ok(!sigv4_ini_is(&ini, "aws_access_key_idd"), "nor more than one");
}


static void
test_nested(void)
{
    guard_t      guard;
    sigv4_str_t  str;
    sigv4_ini_t  ini, nested;

    str = tap_str("[a]\nk =\n\n  x = y\n  # c\n    u = v # d\n  [b]\n  z=");
    guard = guard_copy(&str);

    sigv4_ini_init(&ini, str);

    (void) sigv4_ini_next(&ini);
    (void) sigv4_ini_next(&ini);

    sigv4_ini_nested(&ini, &nested);

    tap_ok(sigv4_ini_next(&nested) == SIGV4_INI_KEY && nested.line == 4,
           "the first key below a key");
    tap_is(nested.value, tap_str("y"), "has its value");
    tap_ok(sigv4_ini_next(&nested) == SIGV4_INI_KEY && nested.line == 6
           && sigv4_ini_is(&nested, "u"),
           "another one, that is indented more");
    tap_is(nested.value, tap_str("v"), "without the comment");
    tap_ok(sigv4_ini_next(&nested) == SIGV4_INI_SECTION,
           "anything else may follow");
    tap_ok(sigv4_ini_next(&nested) == SIGV4_INI_KEY
           && nested.value.len == 0,
           "and an empty value at the end");
    tap_ok(sigv4_ini_next(&nested) == SIGV4_INI_END, "then it ends");

    guard_destroy(guard);

    sigv4_ini_init(&ini, tap_str("[a]\nk = v\nl = w\n"));

    (void) sigv4_ini_next(&ini);
    (void) sigv4_ini_next(&ini);

    sigv4_ini_nested(&ini, &nested);

    tap_ok(sigv4_ini_next(&nested) == SIGV4_INI_END,
           "nothing is below a key that stands alone");
}


static void
test_services(const char *section, const char *name, int expected)
{
    tap_ok(sigv4_ini_is_services(tap_str(section), tap_str(name)) == expected,
           "[%s] is %sthe section of services %s", section,
           expected ? "" : "not ", name);
}


static void
test_profile(const char *section, const char *name, int config, int expected)
{
    tap_ok(sigv4_ini_is_profile(tap_str(section), tap_str(name), config)
           == expected,
           "[%s] is %sthe profile %s of the %s file", section,
           expected ? "" : "not ", name, config ? "config" : "credentials");
}
