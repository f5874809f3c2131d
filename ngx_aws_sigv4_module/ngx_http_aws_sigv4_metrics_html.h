
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The parts of the page of aws_sigv4_metrics: what is the same in each, and
 * the rows of its tables.
 */


#ifndef _NGX_HTTP_AWS_SIGV4_METRICS_HTML_H_INCLUDED_
#define _NGX_HTTP_AWS_SIGV4_METRICS_HTML_H_INCLUDED_


#include "ngx_http_aws_sigv4_status.h"


/* of series: what comes from clients does not make the page any longer */
#define NGX_HTTP_AWS_SIGV4_HTML_ROWS      100


/* ngx_http_aws_sigv4_metrics_page.c; the lists of lines end with NULL */

extern char   ngx_http_aws_sigv4_page_policy[];
extern char  *ngx_http_aws_sigv4_page_top[];
extern char  *ngx_http_aws_sigv4_page_charts[];
extern char  *ngx_http_aws_sigv4_page_end[];


/* ngx_http_aws_sigv4_metrics_rows.c */

void ngx_http_aws_sigv4_rows_alarms(ngx_http_aws_sigv4_main_conf_t *smcf,
    ngx_http_aws_sigv4_out_t *out);
void ngx_http_aws_sigv4_rows_providers(ngx_http_aws_sigv4_main_conf_t *smcf,
    ngx_http_aws_sigv4_out_t *out);
void ngx_http_aws_sigv4_rows_series(ngx_http_aws_sigv4_main_conf_t *smcf,
    ngx_http_aws_sigv4_out_t *out);
void ngx_http_aws_sigv4_rows_reasons(ngx_http_aws_sigv4_main_conf_t *smcf,
    ngx_http_aws_sigv4_out_t *out);
void ngx_http_aws_sigv4_rows_clocks(ngx_http_aws_sigv4_main_conf_t *smcf,
    ngx_http_aws_sigv4_out_t *out);

/* by its name, which must be one of them */
ngx_http_aws_sigv4_family_t *ngx_http_aws_sigv4_rows_family(char *name);

/* of a counter in all series */
ngx_atomic_uint_t ngx_http_aws_sigv4_rows_total(
    ngx_http_aws_sigv4_metrics_t *m, ngx_uint_t counter);

/* the first series there is: that of the overflow only if it is used */
ngx_uint_t ngx_http_aws_sigv4_rows_first(ngx_http_aws_sigv4_metrics_t *m);

/* milliseconds */
void ngx_http_aws_sigv4_rows_average(ngx_http_aws_sigv4_out_t *out,
    ngx_atomic_uint_t sum, ngx_atomic_uint_t n);


#endif /* _NGX_HTTP_AWS_SIGV4_METRICS_HTML_H_INCLUDED_ */
