
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The files with keys of the AWS console, as they are known to be and as
 * they become when they are edited or cut.
 */


#include "tap.h"
#include "guard.h"
#include "providers/sigv4_csv.h"


#define TEST_HEADER     "Access key ID,Secret access key\r\n"
#define TEST_OLD        "User name,Password,Access key ID,Secret access key," \
                        "Console login link\r\n"


static void test_key(const char *text, const char *id, const char *secret,
    const char *name);
static void test_invalid(const char *text, const char *error,
    const char *name);
static int test_read(const char *text, sigv4_csv_t *csv, guard_t *guard);


int
main(void)
{
    test_key("\xef\xbb\xbf" TEST_HEADER "AKID,sec/ret+x\r\n", "AKID",
             "sec/ret+x", "accessKeys.csv");
    test_key(TEST_HEADER "AKID,secret", "AKID", "secret",
             "no mark before it and no newline behind");
    test_key("Access key ID,Secret access key\nAKID,secret\n", "AKID",
             "secret", "lines of Unix");
    test_key("access KEY id , SECRET Access Key\nAKID , secret \n", "AKID",
             "secret", "names in another case, and blanks");
    test_key("\"Access key ID\",\"Secret access key\"\n"
             " \"AKID\" , \"secret\" \n", "AKID", "secret",
             "every field in quotes");
    test_key(TEST_HEADER "\r\n\n  \nAKID,secret\r\n", "AKID", "secret",
             "empty lines before the row");
    test_key("\r\n\n" TEST_HEADER "AKID,secret\r\n", "AKID", "secret",
             "and before the header");
    test_key(TEST_HEADER "AKID,secret\r\nAKID2,secret2\r\n", "AKID",
             "secret", "the first of two rows");
    test_key("Secret access key,Access key ID\nsecret,AKID\n", "AKID",
             "secret", "columns the other way round");
    test_key("Access key ID,Secret access key,\nAKID,secret,\n", "AKID",
             "secret", "a comma at the end");

    test_key(TEST_OLD "bob,,AKID,secret,https://1.signin.aws/console\r\n",
             "AKID", "secret", "credentials.csv");
    test_key(TEST_OLD "bob,\"a,\"\"b\"\"\r\nc\",AKID,secret,\r\n", "AKID",
             "secret", "with a password of quotes, commas and newlines");
    test_key("User Name,Access key ID,Secret access key\nbob,AKID,secret\n",
             "AKID", "secret", "the form that \"aws configure import\" takes");

    test_key("AWSAccessKeyId=AKID\r\nAWSSecretKey=secret\r\n", "AKID",
             "secret", "the old rootkey.csv");
    test_key("\xef\xbb\xbf\n AWSSecretKey=x\n awssecretkey=se=cret=\n"
             "Other=1\nAWSAccessKeyId= AKID ", "AKID", "se=cret=",
             "and one that was edited");

    test_invalid("", "empty", "no byte");
    test_invalid("\xef\xbb\xbf", "empty", "a byte order mark alone");
    test_invalid(" \r\n\r\n", "empty", "empty lines alone");
    test_invalid("Access key ID,Secret acc", "no columns", "half a header");
    test_invalid("Access key ID\nAKID\n", "no columns", "half the columns");
    test_invalid("Access key ID;Secret access key\nAKID;secret\n",
                 "no columns", "semicolons");
    test_invalid("Access key IDs,Secret access keys\nAKID,secret\n",
                 "no columns", "names that are longer");
    test_invalid("AKID,secret\n", "no columns", "no header");
    test_invalid(TEST_HEADER, "no row", "no row");
    test_invalid(TEST_HEADER "\r\n", "no row", "an empty row");
    test_invalid(TEST_HEADER "AKID", "no secret", "half a row");
    test_invalid(TEST_HEADER "AKID,", "no secret", "a row that ends early");
    test_invalid(TEST_HEADER "AKID\r\nAKID2,secret\r\n", "no secret",
                 "a short row, with a whole one below");
    test_invalid(TEST_HEADER ",secret", "no access key id", "no id");
    test_invalid(TEST_HEADER "\"AKID,secret\r\n", "quote",
                 "a quote that is not closed");
    test_invalid(TEST_HEADER "\"AKID\"x,secret\r\n", "quote",
                 "text behind a quote");
    test_invalid(TEST_HEADER "\"AK\"\"ID\",secret\r\n", "quote in a key",
                 "a quote in an id");
    test_invalid("\"Access key ID,Secret access key\nAKID,secret", "quote",
                 "a quote in the header that is not closed");
    test_invalid("AWSAccessKeyId=AKID\r\n", "no secret",
                 "half of a rootkey.csv");
    test_invalid("AWSSecretKey=secret", "no access key id",
                 "and the other half");

    return tap_done();
}


static void
test_key(const char *text, const char *id, const char *secret,
    const char *name)
{
    guard_t      guard;
    sigv4_csv_t  csv;

    tap_is_code(test_read(text, &csv, &guard), SIGV4_OK, name);

    tap_is(csv.access_key_id, tap_str(id), "  its access key id");
    tap_is(csv.secret_access_key, tap_str(secret), "  its secret");

    guard_destroy(guard);
}


static void
test_invalid(const char *text, const char *error, const char *name)
{
    guard_t      guard;
    sigv4_csv_t  csv;

    tap_is_code(test_read(text, &csv, &guard), SIGV4_INVALID, name);

    tap_ok(csv.error != NULL && strstr(csv.error, error) != NULL
           && csv.access_key_id.len == 0 && csv.secret_access_key.len == 0,
           "  \"%s\" is said, and no key", error);

    guard_destroy(guard);
}


static int
test_read(const char *text, sigv4_csv_t *csv, guard_t *guard)
{
    sigv4_str_t  str;

    str = tap_str(text);
    *guard = guard_copy(&str);

    return sigv4_csv_read(csv, str);
}
