
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Signs the requests of its standard input, for t/oracle.t.
 *
 *     sign_cli ACCESS_KEY_ID SECRET_ACCESS_KEY SECONDS_SINCE_THE_EPOCH
 *
 * Each line is a request: words with a space between, each a string in
 * hexadecimal with a dot in front.
 *
 *     METHOD PATH QUERY REGION SERVICE FLAGS PAYLOAD [NAME VALUE]...
 *
 * FLAGS has "d" in it for double encoding, "n" for a normalised path, and
 * "b" if PAYLOAD is a body to be hashed, else it is the payload hash.  The
 * answer is a line of two words, the signature and the canonical request in
 * hexadecimal, or "error" and words for the code.
 */


#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sigv4.h"


#define CLI_FIELDS                1000


enum {
    CLI_METHOD = 0,
    CLI_PATH,
    CLI_QUERY,
    CLI_REGION,
    CLI_SERVICE,
    CLI_FLAGS,
    CLI_PAYLOAD,
    CLI_WORDS
};


static int cli_request(char *line, sigv4_crypto_t *crypto,
    const sigv4_credentials_t *cred, time_t t);
static int cli_sign(const sigv4_request_t *req, sigv4_crypto_t *crypto,
    const sigv4_credentials_t *cred, const sigv4_scope_t *scope);
static void cli_print(sigv4_str_t canonical, const uint8_t *signature);
static int cli_word(char **line, sigv4_str_t *str);
static int cli_has(sigv4_str_t str, char c);
static sigv4_str_t cli_str(const char *s);


int
main(int argc, char *argv[])
{
    int                  rc;
    char                *line;
    size_t               size;
    time_t               t;
    sigv4_crypto_t      *crypto;
    sigv4_credentials_t  cred;

    if (argc != 4) {
        fprintf(stderr, "usage: %s access_key_id secret time\n", argv[0]);
        return 2;
    }

    cred.access_key_id = cli_str(argv[1]);
    cred.secret_access_key = cli_str(argv[2]);
    cred.session_token = cli_str("");
    t = (time_t) strtoll(argv[3], NULL, 10);

    crypto = sigv4_crypto_create();

    if (crypto == NULL) {
        return 2;
    }

    line = NULL;
    size = 0;

    while (getline(&line, &size, stdin) > 0) {
        rc = cli_request(line, crypto, &cred, t);

        if (rc != SIGV4_OK) {
            printf("error %s\n", sigv4_strerror(rc));
        }
    }

    free(line);
    sigv4_crypto_destroy(crypto);

    return 0;
}


static int
cli_request(char *line, sigv4_crypto_t *crypto,
    const sigv4_credentials_t *cred, time_t t)
{
    size_t           i;
    uint8_t          digest[SIGV4_SHA256_LEN], hex[SIGV4_SHA256_HEX_LEN];
    sigv4_str_t      words[CLI_WORDS];
    sigv4_field_t    fields[CLI_FIELDS];
    sigv4_scope_t    scope;
    sigv4_request_t  req;

    for (i = 0; i < CLI_WORDS; i++) {
        if (!cli_word(&line, &words[i])) {
            return SIGV4_INVALID;
        }
    }

    req.nfields = 0;

    while (req.nfields < CLI_FIELDS
           && cli_word(&line, &fields[req.nfields].name)
           && cli_word(&line, &fields[req.nfields].value))
    {
        req.nfields++;
    }

    req.method = words[CLI_METHOD];
    req.path = words[CLI_PATH];
    req.query = words[CLI_QUERY];
    req.fields = fields;
    req.payload_hash = words[CLI_PAYLOAD];
    req.double_encode = cli_has(words[CLI_FLAGS], 'd');
    req.normalize_path = cli_has(words[CLI_FLAGS], 'n');

    if (cli_has(words[CLI_FLAGS], 'b')) {
        if (sigv4_sha256(crypto, req.payload_hash, digest) != SIGV4_OK) {
            return SIGV4_ERROR;
        }

        sigv4_hex(digest, hex);

        req.payload_hash.data = hex;
        req.payload_hash.len = sizeof(hex);
    }

    scope.region = words[CLI_REGION];
    scope.service = words[CLI_SERVICE];
    sigv4_scope_time(&scope, t);

    sigv4_sort_fields(fields, req.nfields);

    return cli_sign(&req, crypto, cred, &scope);
}


static int
cli_sign(const sigv4_request_t *req, sigv4_crypto_t *crypto,
    const sigv4_credentials_t *cred, const sigv4_scope_t *scope)
{
    int          rc;
    size_t       size;
    uint8_t     *data, key[SIGV4_KEY_LEN], signature[SIGV4_SIGNATURE_LEN];
    sigv4_buf_t  buf;
    sigv4_str_t  canonical, headers, string;

    size = sigv4_scratch_size(req, cred, scope);
    data = malloc(size);

    if (size == 0 || data == NULL) {
        free(data);
        return SIGV4_NOSPACE;
    }

    buf.last = data;
    buf.end = data + size;

    if ((rc = sigv4_canonical_request(req, &buf, &canonical, &headers))
        == SIGV4_OK
        && (rc = sigv4_string_to_sign(crypto, scope, canonical, &buf,
                                      &string)) == SIGV4_OK
        && (rc = sigv4_signing_key(crypto, cred, scope, key)) == SIGV4_OK
        && (rc = sigv4_signature(crypto, key, string, signature))
           == SIGV4_OK)
    {
        cli_print(canonical, signature);
    }

    free(data);

    return rc;
}


static void
cli_print(sigv4_str_t canonical, const uint8_t *signature)
{
    size_t  i;

    printf("%.*s ", SIGV4_SIGNATURE_LEN, (const char *) signature);

    for (i = 0; i < canonical.len; i++) {
        printf("%02x", canonical.data[i]);
    }

    putchar('\n');
}


/* decodes the next word in place */

static int
cli_word(char **line, sigv4_str_t *str)
{
    char      *p;
    uint8_t   *out;
    unsigned   byte;

    p = *line + strspn(*line, " \n");

    if (*p++ != '.') {
        return 0;
    }

    out = (uint8_t *) p;
    str->data = out;

    while (sscanf(p, "%2x", &byte) == 1 && *p != ' ') {
        *out++ = (uint8_t) byte;
        p += 2;
    }

    str->len = out - str->data;
    *line = p;

    return 1;
}


static int
cli_has(sigv4_str_t str, char c)
{
    return str.len != 0 && memchr(str.data, c, str.len) != NULL;
}


static sigv4_str_t
cli_str(const char *s)
{
    sigv4_str_t  str;

    str.len = strlen(s);
    str.data = (const uint8_t *) s;

    return str;
}
