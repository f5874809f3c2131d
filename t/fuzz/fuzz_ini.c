
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Any bytes for a file of the AWS CLI.  Strings must point into the text
 * and be trimmed, lines must be counted, and the parser must come to an
 * end; a second reading must give the same.
 */


#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "providers/sigv4_ini.h"


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(sigv4_str_t s, const uint8_t *data, size_t size);
static void check_nested(const sigv4_ini_t *ini, const uint8_t *data,
    size_t size);
static int is_space(uint8_t c);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int          rc, again;
    size_t       line, n;
    sigv4_str_t  text, name;
    sigv4_ini_t  ini, copy;

    text.data = data;
    text.len = size;

    name.data = (const uint8_t *) "default";
    name.len = 7;

    sigv4_ini_init(&ini, text);

    line = 0;

    for (n = 0; n <= size; n++) {

        copy = ini;

        rc = sigv4_ini_next(&ini);
        again = sigv4_ini_next(&copy);

        if (rc != again || memcmp(&ini, &copy, sizeof(sigv4_ini_t)) != 0) {
            abort();
        }

        if (rc == SIGV4_INI_END || rc == SIGV4_INVALID) {
            return 0;
        }

        if (ini.line <= line) {
            abort();
        }

        line = ini.line;

        check(ini.section, data, size);

        (void) sigv4_ini_is_profile(ini.section, name, 0);
        (void) sigv4_ini_is_profile(ini.section, name, 1);
        (void) sigv4_ini_is_services(ini.section, name);

        if (ini.section.len == 0) {
            abort();
        }

        if (rc == SIGV4_INI_SECTION) {
            continue;
        }

        check(ini.key, data, size);
        check(ini.value, data, size);

        if (rc != SIGV4_INI_KEY || ini.key.len == 0
            || memchr(ini.key.data, '=', ini.key.len) != NULL)
        {
            abort();
        }

        (void) sigv4_ini_is(&ini, "aws_secret_access_key");

        check_nested(&ini, data, size);
    }

    abort();
}


static void
check_nested(const sigv4_ini_t *ini, const uint8_t *data, size_t size)
{
    int          rc;
    sigv4_ini_t  nested;

    sigv4_ini_nested(ini, &nested);

    do {
        rc = sigv4_ini_next(&nested);

        if (rc == SIGV4_INI_KEY) {
            check(nested.key, data, size);
            check(nested.value, data, size);

            if (nested.line <= ini->line || nested.continued) {
                abort();
            }
        }

    } while (rc != SIGV4_INI_END);
}


static void
check(sigv4_str_t s, const uint8_t *data, size_t size)
{
    if (s.data < data || s.len > size
        || (size_t) (s.data - data) > size - s.len)
    {
        abort();
    }

    if (s.len == 0) {
        return;
    }

    if (is_space(s.data[0]) || is_space(s.data[s.len - 1])
        || memchr(s.data, '\n', s.len) != NULL
        || memchr(s.data, '\r', s.len) != NULL)
    {
        abort();
    }
}


static int
is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\v' || c == '\f';
}
