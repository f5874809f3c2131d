
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Files with keys: read as a whole, and watched for changes.
 */


#ifndef _NGX_HTTP_AWS_SIGV4_FILE_H_INCLUDED_
#define _NGX_HTTP_AWS_SIGV4_FILE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* a larger one is another file than was meant */
#define NGX_HTTP_AWS_SIGV4_FILE_MAX       1048576


typedef struct {
    ngx_str_t                            name;    /* ends with NUL */

    /* the file as it was last seen */
    dev_t                                device;
    ino_t                                inode;
    off_t                                size;
    struct timespec                      mtime;
    struct timespec                      ctime;

    unsigned                             secret:1;  /* is in it */
    unsigned                             found:1;
    unsigned                             settled:1;
} ngx_http_aws_sigv4_file_t;


/*
 * NGX_OK: text is to be given to ngx_http_aws_sigv4_secret_free();
 * NGX_DECLINED: there is no such file; NGX_ERROR: it cannot be read.  In
 * both cases error says why, in a form that follows the name of the file.
 */
ngx_int_t ngx_http_aws_sigv4_file_read(ngx_http_aws_sigv4_file_t *f,
    ngx_log_t *log, ngx_str_t *text, ngx_str_t *error);

/*
 * Whether it is to be read again.  A file that is being written is not,
 * nor is one that this process cannot look at.
 */
ngx_uint_t ngx_http_aws_sigv4_file_changed(ngx_http_aws_sigv4_file_t *f);

/* tells who may read it, and when changes are noticed */
void ngx_http_aws_sigv4_file_report(ngx_cycle_t *cycle,
    ngx_http_aws_sigv4_file_t *f);


#endif /* _NGX_HTTP_AWS_SIGV4_FILE_H_INCLUDED_ */
