
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include "sigv4_iso8601.h"


static int sigv4_iso8601_number(sigv4_str_t *s, size_t digits, int max);
static int sigv4_iso8601_char(sigv4_str_t *s, const char *set);
static int sigv4_iso8601_zone(sigv4_str_t *s, long *offset);
static long sigv4_iso8601_days(int year, int month, int day);


int
sigv4_iso8601(sigv4_str_t s, time_t *t)
{
    int   year, month, day, hour, min, sec;
    long  offset;

    static const int  days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
                                 31 };

    year = sigv4_iso8601_number(&s, 4, 9999);

    if (year < 1970 || !sigv4_iso8601_char(&s, "-")) {
        return SIGV4_INVALID;
    }

    month = sigv4_iso8601_number(&s, 2, 12);

    if (month < 1 || !sigv4_iso8601_char(&s, "-")) {
        return SIGV4_INVALID;
    }

    day = sigv4_iso8601_number(&s, 2, 31);

    if (day < 1 || !sigv4_iso8601_char(&s, "Tt ")) {
        return SIGV4_INVALID;
    }

    if (day > days[month - 1]
        && (month != 2 || day > 29 || year % 4 != 0
            || (year % 100 == 0 && year % 400 != 0)))
    {
        return SIGV4_INVALID;
    }

    hour = sigv4_iso8601_number(&s, 2, 23);

    if (hour < 0 || !sigv4_iso8601_char(&s, ":")) {
        return SIGV4_INVALID;
    }

    min = sigv4_iso8601_number(&s, 2, 59);

    if (min < 0 || !sigv4_iso8601_char(&s, ":")) {
        return SIGV4_INVALID;
    }

    /* a leap second is the first second of the next minute */

    sec = sigv4_iso8601_number(&s, 2, 60);

    if (sec < 0 || sigv4_iso8601_zone(&s, &offset) != SIGV4_OK) {
        return SIGV4_INVALID;
    }

    *t = (time_t) sigv4_iso8601_days(year, month, day) * 86400
         + hour * 3600L + min * 60 + sec - offset;

    return SIGV4_OK;
}


/* exactly so many digits; -1 if there are fewer, or they are too much */

static int
sigv4_iso8601_number(sigv4_str_t *s, size_t digits, int max)
{
    int     n;
    size_t  i;

    if (s->len < digits) {
        return -1;
    }

    n = 0;

    for (i = 0; i < digits; i++) {

        if (s->data[i] < '0' || s->data[i] > '9') {
            return -1;
        }

        n = n * 10 + (s->data[i] - '0');
    }

    s->data += digits;
    s->len -= digits;

    return n <= max ? n : -1;
}


/* skips a character of the set and returns it; 0: it is not in the set */

static int
sigv4_iso8601_char(sigv4_str_t *s, const char *set)
{
    if (s->len == 0) {
        return 0;
    }

    for ( /* void */ ; *set != '\0'; set++) {

        if (s->data[0] == (uint8_t) *set) {
            s->data++;
            s->len--;

            return *set;
        }
    }

    return 0;
}


/* a fraction, and "Z", "+01:00" or "+0100" up to the end of the text */

static int
sigv4_iso8601_zone(sigv4_str_t *s, long *offset)
{
    int  sign, hour, min;

    *offset = 0;

    if (sigv4_iso8601_char(s, ".,")) {

        if (sigv4_iso8601_number(s, 1, 9) < 0) {
            return SIGV4_INVALID;
        }

        while (sigv4_iso8601_number(s, 1, 9) >= 0) { /* void */ }
    }

    sign = sigv4_iso8601_char(s, "Zz+-");

    if (sign == '+' || sign == '-') {
        hour = sigv4_iso8601_number(s, 2, 23);

        (void) sigv4_iso8601_char(s, ":");

        min = sigv4_iso8601_number(s, 2, 59);

        if (hour < 0 || min < 0) {
            return SIGV4_INVALID;
        }

        *offset = hour * 3600L + min * 60;

        if (sign == '-') {
            *offset = -*offset;
        }
    }

    return sign != 0 && s->len == 0 ? SIGV4_OK : SIGV4_INVALID;
}


/*
 * Days since 1970-01-01 in the Gregorian calendar.  Years begin in March,
 * so that the day that leap years add is the last of its year.
 */

static long
sigv4_iso8601_days(int year, int month, int day)
{
    long  y, m;

    y = month > 2 ? year : year - 1;
    m = month > 2 ? month - 3 : month + 9;

    return y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day - 1
           - 719468;
}
