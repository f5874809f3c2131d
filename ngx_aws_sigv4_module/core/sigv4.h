
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * AWS Signature Version 4 in plain C: no allocation, no clock, no logging.
 *
 * A signature is made in stages that a caller may look at one by one:
 *
 *     canonical request -> string to sign -> signature -> Authorization
 *
 * The caller supplies the memory: one buffer of sigv4_scratch_size() bytes
 * is enough for all stages.  A buffer that is too small is an error,
 * SIGV4_NOSPACE, and never a cut.  Strings are pointer and length and are
 * not terminated by NUL; results point into the buffer or into the input.
 */


#ifndef _SIGV4_H_INCLUDED_
#define _SIGV4_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "sigv4_crypto.h"


#define SIGV4_ALGORITHM           "AWS4-HMAC-SHA256"
#define SIGV4_SCOPE_TERMINATOR    "aws4_request"

/* SHA-256 of no bytes, the payload hash of a request without a body */
#define SIGV4_EMPTY_SHA256                                                    \
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

#define SIGV4_UNSIGNED_PAYLOAD    "UNSIGNED-PAYLOAD"

#define SIGV4_DATE_LEN            8     /* YYYYMMDD */
#define SIGV4_DATETIME_LEN        16    /* YYYYMMDDThhmmssZ */
#define SIGV4_KEY_LEN             SIGV4_SHA256_LEN
#define SIGV4_SIGNATURE_LEN       SIGV4_SHA256_HEX_LEN

#define SIGV4_OK                  0
#define SIGV4_ERROR              -1     /* a call of the crypto library */
#define SIGV4_NOSPACE            -2     /* the buffer is too small */
#define SIGV4_INVALID            -3     /* the input cannot be signed */


/* caller-supplied memory; last is where the next byte goes */
typedef struct {
    uint8_t                      *last;
    uint8_t                      *end;
} sigv4_buf_t;


/* a header field to be signed; the name in lower case */
typedef struct {
    sigv4_str_t                   name;
    sigv4_str_t                   value;
    size_t                        order;  /* set by sigv4_sort_fields() */
} sigv4_field_t;


typedef struct {
    sigv4_str_t                   access_key_id;
    sigv4_str_t                   secret_access_key;
    sigv4_str_t                   session_token;    /* empty if none */
} sigv4_credentials_t;


/* the date, region and service that a signature is valid for */
typedef struct {
    uint8_t                       datetime[SIGV4_DATETIME_LEN];
    sigv4_str_t                   region;
    sigv4_str_t                   service;
} sigv4_scope_t;


/*
 * The request as it goes on the wire.  Both the access phase and the seal
 * fill this struct; they differ only in where the fields come from.
 */

typedef struct {
    sigv4_str_t                   method;
    sigv4_str_t                   path;         /* up to the first "?" */
    sigv4_str_t                   query;        /* after it */
    sigv4_field_t                *fields;       /* sorted */
    size_t                        nfields;
    sigv4_str_t                   payload_hash; /* 64 hex or a literal */
    unsigned                      double_encode:1;
    unsigned                      normalize_path:1;
} sigv4_request_t;


/*
 * Signing keys live for one day, region and service; deriving one costs
 * four HMACs.  An entry belongs to one generation of credentials: the
 * caller gives each set of credentials it loads a number never used before.
 */

#define SIGV4_KEY_CACHE_SIZE      64
#define SIGV4_KEY_NAME_LEN        48    /* longer names are not cached */

typedef struct {
    uint64_t                      generation;   /* 0: the entry is free */
    uint64_t                      used;
    uint8_t                       date[SIGV4_DATE_LEN];
    uint8_t                       region_len;
    uint8_t                       service_len;
    uint8_t                       region[SIGV4_KEY_NAME_LEN];
    uint8_t                       service[SIGV4_KEY_NAME_LEN];
    uint8_t                       key[SIGV4_KEY_LEN];
} sigv4_key_entry_t;

typedef struct {
    uint64_t                      clock;        /* for least recently used */
    uint64_t                      hits;
    uint64_t                      misses;
    sigv4_key_entry_t             entries[SIGV4_KEY_CACHE_SIZE];
} sigv4_key_cache_t;


/* sigv4_encode.c */

/*
 * UriEncode of the specification: every byte except the unreserved set
 * A-Z a-z 0-9 "-" "." "_" "~" becomes %XY in upper case; "/" is kept in
 * paths only.  The buffer must hold 3 * in.len bytes.
 */
int sigv4_is_unreserved(uint8_t c);
int sigv4_uri_encode(sigv4_buf_t *buf, sigv4_str_t in, int keep_slash);

/*
 * Repair of the encoding of a request target before it is sent, so that
 * every server's rule for canonical forms gives the same bytes.  If nothing
 * is to be repaired, *out is the input itself and the buffer is not used;
 * else *out points into the buffer, which must hold 3 * in.len bytes.
 *
 * path:   bytes that may not stand raw are escaped; a "%" without two hex
 *         digits becomes "%25".  An empty path becomes "/", a constant.
 * s3:     the path is decoded once and encoded canonically instead: "+"
 *         becomes "%2B" and "%2F" becomes "/" ("//" and dots are kept).
 * query:  as path, and a raw "+" becomes "%20".
 */
int sigv4_wire_path(sigv4_buf_t *buf, sigv4_str_t in, sigv4_str_t *out);
int sigv4_wire_path_s3(sigv4_buf_t *buf, sigv4_str_t in, sigv4_str_t *out);
int sigv4_wire_query(sigv4_buf_t *buf, sigv4_str_t in, sigv4_str_t *out);


/* sigv4_canonical.c */

/*
 * Sorts by name, bytewise, and stably: repeated fields keep the order in
 * which they were received.  O(n log n) for any input, without memory.
 */
void sigv4_sort_fields(sigv4_field_t *fields, size_t n);

/*
 * The number of bytes that all stages of one signature need.  Returns 0 if
 * it would not fit into a size_t.
 */
size_t sigv4_scratch_size(const sigv4_request_t *req,
    const sigv4_credentials_t *cred, const sigv4_scope_t *scope);

/* parts of the canonical request, each appended to the buffer */
int sigv4_canonical_uri(const sigv4_request_t *req, sigv4_buf_t *buf);
int sigv4_canonical_query(sigv4_str_t query, sigv4_buf_t *buf);
int sigv4_canonical_headers(const sigv4_request_t *req, sigv4_buf_t *buf);
int sigv4_signed_headers(const sigv4_request_t *req, sigv4_buf_t *buf);

/*
 * SIGV4_INVALID if a part could be taken for another line: a space or a
 * control character in the method, the payload hash or a path that is
 * copied, NUL in a value, a name that is no token in lower case; and if the
 * fields are not sorted.  On any error the buffer is left as it was.
 */
int sigv4_canonical_request(const sigv4_request_t *req, sigv4_buf_t *buf,
    sigv4_str_t *canonical_request, sigv4_str_t *signed_headers);


/* sigv4_sign.c */

/* sets scope->datetime, in UTC, from seconds since the epoch */
void sigv4_scope_time(sigv4_scope_t *scope, time_t t);

/* whether it is not empty and visible ASCII without "/" and "," */
int sigv4_is_scope_part(sigv4_str_t part);

/*
 * "YYYYMMDD/region/service/aws4_request".  SIGV4_INVALID, here and where a
 * scope is used, if a region or a service cannot be part of it.
 */
int sigv4_credential_scope(const sigv4_scope_t *scope, sigv4_buf_t *buf);

int sigv4_string_to_sign(sigv4_crypto_t *crypto, const sigv4_scope_t *scope,
    sigv4_str_t canonical_request, sigv4_buf_t *buf,
    sigv4_str_t *string_to_sign);

/*
 * Derives the signing key for one day, region and service.
 *
 *     kDate    = HMAC("AWS4" + secret, date)
 *     kRegion  = HMAC(kDate, region)
 *     kService = HMAC(kRegion, service)
 *     kSigning = HMAC(kService, "aws4_request")
 *
 * The intermediate keys are wiped; the caller wipes the result.
 */
int sigv4_signing_key(sigv4_crypto_t *crypto,
    const sigv4_credentials_t *cred, const sigv4_scope_t *scope,
    uint8_t key[SIGV4_KEY_LEN]);

/* the same from the cache; the caller wipes the result */
int sigv4_cached_signing_key(sigv4_key_cache_t *cache,
    sigv4_crypto_t *crypto, const sigv4_credentials_t *cred,
    uint64_t generation, const sigv4_scope_t *scope,
    uint8_t key[SIGV4_KEY_LEN]);

int sigv4_signature(sigv4_crypto_t *crypto,
    const uint8_t key[SIGV4_KEY_LEN], sigv4_str_t string_to_sign,
    uint8_t signature[SIGV4_SIGNATURE_LEN]);

/*
 * The value of the Authorization header.  An access key ID may have "/" and
 * ":" in it, as some stores have them, but no ",".
 */
int sigv4_authorization(const sigv4_credentials_t *cred,
    const sigv4_scope_t *scope, sigv4_str_t signed_headers,
    const uint8_t signature[SIGV4_SIGNATURE_LEN], sigv4_buf_t *buf,
    sigv4_str_t *authorization);

/* words for a code, for the caller's log */
const char *sigv4_strerror(int code);


/* sigv4_presign.c */

/*
 * Query authentication: the parameters of a presigned URL stand where a
 * header would.  presign_query() appends the query of the request and the
 * parameters that are signed: set the query of the request to it and go
 * through the stages to the signature.  presign_signature() appends what
 * follows that query in the URL.
 *
 * The fields must be sorted, and those of the request are all that is
 * signed: there is no x-amz-date.  expires is in seconds, SIGV4_EXPIRES_MAX
 * at most, and none is sent if it is 0.  The session token is signed, but
 * for the service "iotdevicegateway", where it follows the signature.
 *
 * One buffer of sigv4_presign_size() bytes is enough for both; the size is
 * 0 if it would not fit into a size_t.
 */

#define SIGV4_EXPIRES_MAX         604800    /* 7 days */

size_t sigv4_presign_size(const sigv4_request_t *req,
    const sigv4_credentials_t *cred, const sigv4_scope_t *scope);
int sigv4_presign_query(const sigv4_request_t *req,
    const sigv4_credentials_t *cred, const sigv4_scope_t *scope,
    unsigned expires, sigv4_buf_t *buf, sigv4_str_t *query);
int sigv4_presign_signature(const sigv4_credentials_t *cred,
    const sigv4_scope_t *scope, const uint8_t signature[SIGV4_SIGNATURE_LEN],
    sigv4_buf_t *buf);


#endif /* _SIGV4_H_INCLUDED_ */
