
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <sys/mman.h>

#include "ngx_http_aws_sigv4_secret.h"


/* keeps what follows it aligned for any type */
typedef union {
    size_t                           size;    /* of the mapping */
    u_char                           align[NGX_ALIGNMENT * 2];
} ngx_http_aws_sigv4_secret_t;


void *
ngx_http_aws_sigv4_secret_alloc(size_t size, ngx_log_t *log)
{
    size_t                        n;
    ngx_http_aws_sigv4_secret_t  *s;

    n = ngx_align(size + sizeof(ngx_http_aws_sigv4_secret_t), ngx_pagesize);

    if (n <= size) {
        return NULL;
    }

    s = mmap(NULL, n, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANON, -1, 0);

    if (s == MAP_FAILED) {
        ngx_log_error(NGX_LOG_ALERT, log, ngx_errno,
                      "aws sigv4: mmap(%uz) failed", n);
        return NULL;
    }

#if defined(MADV_DONTDUMP)

    if (madvise(s, n, MADV_DONTDUMP) == -1) {
        ngx_log_error(NGX_LOG_WARN, log, ngx_errno,
                      "aws sigv4: madvise(MADV_DONTDUMP) failed");
    }

#elif defined(MADV_NOCORE)

    if (madvise(s, n, MADV_NOCORE) == -1) {
        ngx_log_error(NGX_LOG_WARN, log, ngx_errno,
                      "aws sigv4: madvise(MADV_NOCORE) failed");
    }

#endif

    s->size = n;

    return s + 1;
}


void
ngx_http_aws_sigv4_secret_free(void *p)
{
    size_t                        n;
    ngx_http_aws_sigv4_secret_t  *s;

    if (p == NULL) {
        return;
    }

    s = (ngx_http_aws_sigv4_secret_t *) p - 1;
    n = s->size;

    ngx_explicit_memzero(s, n);

    (void) munmap(s, n);
}
