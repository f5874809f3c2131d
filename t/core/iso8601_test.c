
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Times of expiration; every day of four centuries is compared with what
 * the C library says.
 */


#include <time.h>

#include "tap.h"
#include "guard.h"
#include "providers/sigv4_iso8601.h"


static void test_time(const char *text, time_t expected);
static void test_invalid(const char *text);
static void test_days(void);


int
main(void)
{
    size_t  i;

    static const char  *invalid[] = {
        "", "2", "2027", "2027-01-31", "2027-01-31T12:00:00",
        "2027-01-31T12:00:0Z", "2027-01-31T12:00:00Zx", "2027-01-31T12:00Z",
        "2027-13-01T00:00:00Z", "2027-00-01T00:00:00Z",
        "2027-01-32T00:00:00Z", "2027-01-00T00:00:00Z",
        "2027-02-29T00:00:00Z", "2100-02-29T00:00:00Z",
        "2028-02-30T00:00:00Z", "2027-04-31T00:00:00Z",
        "2027-01-31T24:00:00Z", "2027-01-31T12:60:00Z",
        "2027-01-31T12:00:61Z", "1969-12-31T23:59:59Z",
        "2027-01-31T12:00:00.Z", "2027-01-31T12:00:00+01",
        "2027-01-31T12:00:00+24:00", "2027-01-31T12:00:00+01:60",
        "2027-01-31T12:00:00+01:0", "+027-01-31T12:00:00Z",
        "2027-1-31T12:00:00Z", "20270131T120000Z", " 2027-01-31T12:00:00Z",
        "1801396800"
    };

    /* date -u -d TIME +%s */

    test_time("1970-01-01T00:00:00Z", 0);
    test_time("2027-01-31T12:00:00Z", 1801396800);
    test_time("2027-01-31t12:00:00z", 1801396800);
    test_time("2027-01-31 12:00:00Z", 1801396800);
    test_time("2027-01-31T12:00:00.999999999Z", 1801396800);
    test_time("2027-01-31T12:00:00,5Z", 1801396800);
    test_time("2027-01-31T12:00:00+00:00", 1801396800);
    test_time("2027-01-31T13:30:00+01:30", 1801396800);
    test_time("2027-01-31T13:30:00+0130", 1801396800);
    test_time("2027-01-31T04:00:00.25-08:00", 1801396800);
    test_time("2016-12-31T23:59:60Z", 1483228800);
    test_time("2038-01-19T03:14:08Z", 2147483648);

    for (i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++) {
        test_invalid(invalid[i]);
    }

    test_days();

    return tap_done();
}


static void
test_time(const char *text, time_t expected)
{
    int          rc;
    time_t       t;
    guard_t      guard;
    sigv4_str_t  str;

    t = -1;

    str = tap_str(text);
    guard = guard_copy(&str);

    rc = sigv4_iso8601(str, &t);

    tap_ok(rc == SIGV4_OK && t == expected, "%s", text);

    guard_destroy(guard);
}


static void
test_invalid(const char *text)
{
    time_t       t;
    guard_t      guard;
    sigv4_str_t  str;

    str = tap_str(text);
    guard = guard_copy(&str);

    tap_is_code(sigv4_iso8601(str, &t), SIGV4_INVALID, text);

    guard_destroy(guard);
}


static void
test_days(void)
{
    char       text[32];
    time_t     t, got;
    unsigned   days, wrong;
    struct tm  tm;

    days = 0;
    wrong = 0;

    for (t = 86399; t < (time_t) 86400 * 366 * 400; t += 86400) {
        gmtime_r(&t, &tm);
        strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);

        days++;
        wrong += sigv4_iso8601(tap_str(text), &got) != SIGV4_OK || got != t;
    }

    tap_ok(wrong == 0, "each of %u days", days);
}
