
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Reads lines of "credentials" or "config" and a text in hexadecimal, and
 * prints what the profiles have: "!" if the text is not valid, else words
 * profile.key=value, each part in hexadecimal, with a "+" behind a value
 * that goes on in the next line.
 */


#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "providers/sigv4_ini.h"


typedef struct {
    sigv4_str_t  value;
    int          found;
    int          continued;
} parse_key_t;


static const char  *profiles[] = { "default", "prod", "Prod", "my prod" };

static const char  *keys[] = { "aws_access_key_id", "aws_secret_access_key",
                               "aws_session_token", "region" };

#define PROFILES  (sizeof(profiles) / sizeof(profiles[0]))
#define KEYS      (sizeof(keys) / sizeof(keys[0]))


static int parse(sigv4_str_t text, int config,
    parse_key_t found[PROFILES][KEYS]);
static void print(parse_key_t found[PROFILES][KEYS]);
static void print_hex(const void *data, size_t len);
static sigv4_str_t decode(char *hex);


int
main(void)
{
    int           config;
    char         *line, *hex;
    size_t        size;
    parse_key_t   found[PROFILES][KEYS];

    line = NULL;
    size = 0;

    while (getline(&line, &size, stdin) != -1) {

        hex = strchr(line, '\t');

        if (hex == NULL) {
            return 1;
        }

        *hex++ = '\0';
        config = strcmp(line, "config") == 0;

        memset(found, 0, sizeof(found));

        if (parse(decode(hex), config, found) != SIGV4_INI_END) {
            printf("!\n");
            continue;
        }

        print(found);
    }

    free(line);

    return 0;
}


static int
parse(sigv4_str_t text, int config, parse_key_t found[PROFILES][KEYS])
{
    int           rc;
    size_t        i, k;
    sigv4_str_t   name;
    sigv4_ini_t   ini;
    parse_key_t  *key;

    sigv4_ini_init(&ini, text);

    for ( ;; ) {
        rc = sigv4_ini_next(&ini);

        if (rc == SIGV4_INI_SECTION) {
            continue;
        }

        if (rc != SIGV4_INI_KEY) {
            return rc;
        }

        for (i = 0; i < PROFILES; i++) {
            name.data = (const uint8_t *) profiles[i];
            name.len = strlen(profiles[i]);

            if (!sigv4_ini_is_profile(ini.section, name, config)) {
                continue;
            }

            for (k = 0; k < KEYS; k++) {
                if (sigv4_ini_is(&ini, keys[k])) {
                    key = &found[i][k];
                    key->value = ini.value;
                    key->found = 1;
                    key->continued = ini.continued;
                }
            }
        }
    }
}


static void
print(parse_key_t found[PROFILES][KEYS])
{
    size_t        i, k, n;
    parse_key_t  *key;

    n = 0;

    for (i = 0; i < PROFILES; i++) {
        for (k = 0; k < KEYS; k++) {
            key = &found[i][k];

            if (!key->found) {
                continue;
            }

            printf("%s", n++ ? " " : "");
            print_hex(profiles[i], strlen(profiles[i]));
            printf(".");
            print_hex(keys[k], strlen(keys[k]));
            printf("=");
            print_hex(key->value.data, key->value.len);
            printf("%s", key->continued ? "+" : "");
        }
    }

    printf("\n");
}


static void
print_hex(const void *data, size_t len)
{
    size_t          i;
    const uint8_t  *p;

    p = data;

    for (i = 0; i < len; i++) {
        printf("%02x", p[i]);
    }
}


/* in place */

static sigv4_str_t
decode(char *hex)
{
    char         byte[3];
    sigv4_str_t  str;

    str.data = (uint8_t *) hex;
    str.len = 0;

    byte[2] = '\0';

    while (isxdigit((unsigned char) hex[2 * str.len])) {
        memcpy(byte, hex + 2 * str.len, 2);
        hex[str.len++] = (char) strtol(byte, NULL, 16);
    }

    return str;
}
