
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * CPU time per signature: canonical request, string to sign, signature and
 * Authorization, with the signing key from the cache, as a worker does it;
 * a worker writes the date once a second.
 *
 *     cc -O2 -o micro bench/micro.c ngx_aws_sigv4_module/core/[a-z]*.c -lcrypto
 */


#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../ngx_aws_sigv4_module/core/sigv4.h"


#define BENCH_ROUNDS              15
#define BENCH_TIME                2e7   /* of a round, in ns */

#define bench_str(s)              { sizeof(s) - 1, (const uint8_t *) s }


typedef struct {
    const char                   *name;
    sigv4_str_t                   path;
    sigv4_str_t                   query;
    sigv4_str_t                   service;
    size_t                        body;         /* bytes to be hashed */
    unsigned                      s3:1;
} bench_case_t;


static double bench_run(const bench_case_t *bc, sigv4_crypto_t *crypto);
static int bench_sign(const bench_case_t *bc, sigv4_request_t *req,
    sigv4_crypto_t *crypto, const sigv4_scope_t *scope, sigv4_buf_t buf);
static double bench_clock(void);


static const bench_case_t  bench_cases[] = {

    { "GET, 5 signed headers",
      bench_str("/v1/workspaces/ws-0123456789/items"),
      bench_str(""),
      bench_str("execute-api"), 0, 0 },

    { "GET, query of six arguments",
      bench_str("/v1/workspaces/ws-0123456789/items"),
      bench_str("start=1739577599&end=1739581199&step=15"
                "&query=up%7Bjob%3D%22node%22%7D&limit=100&dedup=true"),
      bench_str("aps"), 0, 0 },

    { "GET, path to be encoded twice",
      bench_str("/model/anthropic.claude-3-haiku-20240307-v1%3A0/invoke"),
      bench_str(""),
      bench_str("bedrock"), 0, 0 },

    { "GET of S3",
      bench_str("/example-bucket/reports/Q1%20%28final%29%2Bv2~.csv"),
      bench_str("versionId=null"),
      bench_str("s3"), 0, 1 },

    { "POST, 1 KB hashed",
      bench_str("/v1/workspaces/ws-0123456789/items"),
      bench_str(""),
      bench_str("execute-api"), 1024, 0 }
};


static const sigv4_field_t  bench_fields[] = {
    { bench_str("content-type"), bench_str("application/json"), 0 },
    { bench_str("host"),
      bench_str("a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com"), 0 },
    { bench_str("x-amz-content-sha256"), bench_str(SIGV4_EMPTY_SHA256), 0 },
    { bench_str("x-amz-date"), bench_str("20250214T235959Z"), 0 },
    { bench_str("x-amz-target"), bench_str("Service_20250214.Do"), 0 }
};


static const sigv4_credentials_t  bench_credentials = {
    bench_str("AKIDEXAMPLE"),
    bench_str("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
    bench_str("")
};


static sigv4_key_cache_t  bench_cache;
static uint8_t            bench_body[1024];


int
main(void)
{
    size_t           i;
    double           ns;
    sigv4_crypto_t  *crypto;

    crypto = sigv4_crypto_create();

    if (crypto == NULL) {
        return 1;
    }

    for (i = 0; i < sizeof(bench_cases) / sizeof(bench_cases[0]); i++) {
        ns = bench_run(&bench_cases[i], crypto);

        if (ns < 0) {
            return 1;
        }

        printf("%-32s %6.0f ns\n", bench_cases[i].name, ns);
    }

    sigv4_crypto_destroy(crypto);

    return 0;
}


/* the best of the rounds, since the machine may be shared */

static double
bench_run(const bench_case_t *bc, sigv4_crypto_t *crypto)
{
    double           best, start, spent;
    size_t           size, n;
    unsigned         i, round;
    uint8_t         *data;
    sigv4_buf_t      buf;
    sigv4_field_t    fields[5];
    sigv4_scope_t    scope;
    sigv4_request_t  req;

    static const sigv4_str_t  get = bench_str("GET");
    static const sigv4_str_t  region = bench_str("eu-central-1");
    static const sigv4_str_t  empty = bench_str(SIGV4_EMPTY_SHA256);

    memcpy(fields, bench_fields, sizeof(fields));

    req.method = get;
    req.path = bc->path;
    req.query = bc->query;
    req.fields = fields;
    req.nfields = 5;
    req.payload_hash = empty;
    req.double_encode = !bc->s3;
    req.normalize_path = !bc->s3;

    scope.region = region;
    scope.service = bc->service;
    sigv4_scope_time(&scope, 1739577599);

    size = sigv4_scratch_size(&req, &bench_credentials, &scope);
    data = malloc(size);

    if (data == NULL) {
        return -1;
    }

    best = 0;
    buf.last = data;
    buf.end = data + size;

    for (round = 0; round < BENCH_ROUNDS; round++) {
        start = bench_clock();
        n = 0;

        do {
            for (i = 0; i < 1000; i++) {
                if (bench_sign(bc, &req, crypto, &scope, buf) != SIGV4_OK) {
                    free(data);
                    return -1;
                }
            }

            n += 1000;
            spent = bench_clock() - start;

        } while (spent < BENCH_TIME);

        if (round == 0 || spent / n < best) {
            best = spent / n;
        }
    }

    free(data);

    return best;
}


static int
bench_sign(const bench_case_t *bc, sigv4_request_t *req,
    sigv4_crypto_t *crypto, const sigv4_scope_t *scope, sigv4_buf_t buf)
{
    int          rc;
    uint8_t      key[SIGV4_KEY_LEN], signature[SIGV4_SIGNATURE_LEN];
    uint8_t      digest[SIGV4_SHA256_LEN], hex[SIGV4_SHA256_HEX_LEN];
    sigv4_str_t  body, canonical, headers, string, authorization;

    if (bc->body != 0) {
        body.data = bench_body;
        body.len = bc->body;

        if (sigv4_sha256(crypto, body, digest) != SIGV4_OK) {
            return SIGV4_ERROR;
        }

        sigv4_hex(digest, hex);

        req->payload_hash.data = hex;
        req->payload_hash.len = sizeof(hex);
    }

    /* what a caller pays as well for each request */

    sigv4_sort_fields(req->fields, req->nfields);

    if (sigv4_scratch_size(req, &bench_credentials, scope) == 0) {
        return SIGV4_INVALID;
    }

    if ((rc = sigv4_canonical_request(req, &buf, &canonical, &headers))
        != SIGV4_OK
        || (rc = sigv4_string_to_sign(crypto, scope, canonical, &buf,
                                      &string)) != SIGV4_OK
        || (rc = sigv4_cached_signing_key(&bench_cache, crypto,
                                          &bench_credentials, 1, scope, key))
           != SIGV4_OK
        || (rc = sigv4_signature(crypto, key, string, signature))
           != SIGV4_OK
        || (rc = sigv4_authorization(&bench_credentials, scope, headers,
                                     signature, &buf, &authorization))
           != SIGV4_OK)
    {
        return rc;
    }

    sigv4_wipe(key, sizeof(key));

    return SIGV4_OK;
}


static double
bench_clock(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);

    return ts.tv_sec * 1e9 + ts.tv_nsec;
}
