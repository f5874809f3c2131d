
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Credentials that a program prints, credential_process of the SDKs: a JSON
 * object with "Version": 1.  It is run by the user of the workers, without
 * a shell, in the environment that nginx was started in.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_aws_sigv4_remote.h"
#include "ngx_http_aws_sigv4_program.h"
#include "sigv4_json.h"
#include "sigv4_words.h"


#define NGX_HTTP_AWS_SIGV4_PROCESS_OUTPUT  65536

/* where there is no PATH */
#define NGX_HTTP_AWS_SIGV4_PROCESS_PATH                                       \
    "PATH=/usr/local/bin:/usr/bin:/bin"


typedef struct {
    char                               **argv;
    char                               **env;
} ngx_http_aws_sigv4_process_t;


static ngx_int_t ngx_http_aws_sigv4_process_init(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p);
static ngx_int_t ngx_http_aws_sigv4_process_split(ngx_conf_t *cf,
    ngx_http_aws_sigv4_process_t *process, ngx_str_t *command);
static ngx_int_t ngx_http_aws_sigv4_process_find(ngx_conf_t *cf,
    ngx_http_aws_sigv4_process_t *process);
static char *ngx_http_aws_sigv4_process_in(ngx_conf_t *cf, char *dir,
    size_t len, char *name);
static void ngx_http_aws_sigv4_process_fetch(ngx_http_aws_sigv4_job_t *job);
static void ngx_http_aws_sigv4_process_abort(ngx_http_aws_sigv4_job_t *job);
static void ngx_http_aws_sigv4_process_ended(
    ngx_http_aws_sigv4_program_t *g);
static void ngx_http_aws_sigv4_process_read(ngx_http_aws_sigv4_job_t *job,
    ngx_str_t *output);


static ngx_http_aws_sigv4_param_t  ngx_http_aws_sigv4_process_params[] = {
    { ngx_string("command"), 0 },
    { ngx_null_string, 0 }
};


ngx_http_aws_sigv4_provider_type_t  ngx_http_aws_sigv4_process_provider = {
    ngx_string("process"),
    ngx_http_aws_sigv4_process_params,
    ngx_http_aws_sigv4_process_init,
    ngx_http_aws_sigv4_remote_load,
    ngx_http_aws_sigv4_remote_refresh,
    ngx_http_aws_sigv4_process_fetch,
    ngx_http_aws_sigv4_process_abort
};


static ngx_int_t
ngx_http_aws_sigv4_process_init(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p)
{
    char                         **env;
    ngx_str_t                      value;
    ngx_http_aws_sigv4_process_t  *process;

    if (p->params[0].len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aws_sigv4_provider\": provider \"%V\" of type "
                           "process needs \"command=\"", &p->name);
        return NGX_ERROR;
    }

    process = ngx_pcalloc(cf->pool, sizeof(ngx_http_aws_sigv4_process_t));
    if (process == NULL) {
        return NGX_ERROR;
    }

    p->data = process;

    process->env = ngx_http_aws_sigv4_environ_copy(cf);

    if (process->env == NULL
        || ngx_http_aws_sigv4_process_split(cf, process, &p->params[0])
           != NGX_OK
        || ngx_http_aws_sigv4_process_find(cf, process) != NGX_OK
        || ngx_http_aws_sigv4_remote_create(cf, p) != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* AWS_PROFILE, for one, makes it print other keys */

    for (env = process->env; *env != NULL; env++) {
        value.data = (u_char *) *env;
        value.len = ngx_strlen(value.data);

        ngx_http_aws_sigv4_remote_key(p, &value);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_aws_sigv4_process_split(ngx_conf_t *cf,
    ngx_http_aws_sigv4_process_t *process, ngx_str_t *command)
{
    u_char       *text;
    size_t        i, n;
    sigv4_buf_t   buf;
    sigv4_str_t   line;

    line.len = command->len;
    line.data = command->data;

    text = ngx_pnalloc(cf->pool, line.len + 1);
    if (text == NULL) {
        return NGX_ERROR;
    }

    buf.last = text;
    buf.end = text + line.len + 1;

    if (sigv4_words(line, &buf, &n) != SIGV4_OK || n == 0 || *text == '\0') {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aws_sigv4_provider\": command \"%V\" is empty, "
                           "or a quote in it is not closed", command);
        return NGX_ERROR;
    }

    process->argv = ngx_pcalloc(cf->pool, (n + 1) * sizeof(char *));
    if (process->argv == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < n; i++) {
        process->argv[i] = (char *) text;
        text += ngx_strlen(text) + 1;
    }

    return NGX_OK;
}


/* the path of the program, in PATH unless it has a slash */

static ngx_int_t
ngx_http_aws_sigv4_process_find(ngx_conf_t *cf,
    ngx_http_aws_sigv4_process_t *process)
{
    char        *dir, *end, *file, **env;
    ngx_str_t    name;

    if (strchr(process->argv[0], '/') != NULL) {

        /* it may come later, with a volume */

        if (access(process->argv[0], X_OK) == -1) {
            ngx_conf_log_error(NGX_LOG_WARN, cf, ngx_errno,
                               "\"aws_sigv4_provider\": program \"%s\" "
                               "cannot be run", process->argv[0]);
        }

        return NGX_OK;
    }

    dir = NGX_HTTP_AWS_SIGV4_PROCESS_PATH;

    for (env = process->env; *env != NULL; env++) {
        if (ngx_strncmp(*env, "PATH=", 5) == 0) {
            dir = *env;
        }
    }

    for (dir += 5; /* void */ ; dir = end + 1) {

        end = dir + strcspn(dir, ":");

        file = ngx_http_aws_sigv4_process_in(cf, dir, end - dir,
                                             process->argv[0]);
        if (file == NULL) {
            return NGX_ERROR;
        }

        if (end != dir && access(file, X_OK) == 0) {
            process->argv[0] = file;
            return NGX_OK;
        }

        if (*end == '\0') {
            break;
        }
    }

    name.data = (u_char *) process->argv[0];
    name.len = ngx_strlen(name.data);

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"aws_sigv4_provider\": there is no program \"%V\" "
                       "in PATH, write the path to it", &name);

    return NGX_ERROR;
}


static char *
ngx_http_aws_sigv4_process_in(ngx_conf_t *cf, char *dir, size_t len,
    char *name)
{
    char    *file;
    size_t   size;

    size = len + 1 + ngx_strlen(name) + 1;

    file = ngx_pnalloc(cf->pool, size);
    if (file == NULL) {
        return NULL;
    }

    (void) ngx_snprintf((u_char *) file, size, "%*s/%s%Z", len, dir, name);

    return file;
}


static void
ngx_http_aws_sigv4_process_fetch(ngx_http_aws_sigv4_job_t *job)
{
    ngx_http_aws_sigv4_process_t  *process;
    ngx_http_aws_sigv4_program_t  *g;

    process = job->provider->data;

    g = ngx_pcalloc(job->pool, sizeof(ngx_http_aws_sigv4_program_t));
    if (g == NULL) {
        ngx_http_aws_sigv4_job_fail(job, "there is no memory");
        return;
    }

    job->data = g;

    g->argv = process->argv;
    g->env = process->env;
    g->max_size = NGX_HTTP_AWS_SIGV4_PROCESS_OUTPUT;
    g->log = job->log;
    g->handler = ngx_http_aws_sigv4_process_ended;
    g->data = job;

    if (ngx_http_aws_sigv4_program_start(g) != NGX_OK) {
        ngx_http_aws_sigv4_program_end(g);
        ngx_http_aws_sigv4_job_fail(job, "program \"%s\": %V", g->argv[0],
                                    &g->error);
    }
}


static void
ngx_http_aws_sigv4_process_abort(ngx_http_aws_sigv4_job_t *job)
{
    if (job->data != NULL) {
        ngx_http_aws_sigv4_program_end(job->data);
    }
}


static void
ngx_http_aws_sigv4_process_ended(ngx_http_aws_sigv4_program_t *g)
{
    ngx_str_t                  output;
    ngx_http_aws_sigv4_job_t  *job;

    job = g->data;

    if (g->error.len) {
        ngx_http_aws_sigv4_program_end(g);
        ngx_http_aws_sigv4_job_fail(job, "program \"%s\": %V", g->argv[0],
                                    &g->error);
        return;
    }

    /* there is no g behind the end of the job */

    output = g->output;
    ngx_str_null(&g->output);

    ngx_http_aws_sigv4_program_end(g);
    ngx_http_aws_sigv4_process_read(job, &output);

    ngx_http_aws_sigv4_secret_free(output.data);
}


static void
ngx_http_aws_sigv4_process_read(ngx_http_aws_sigv4_job_t *job,
    ngx_str_t *output)
{
    int                            rc;
    size_t                         size;
    u_char                        *start;
    sigv4_buf_t                    buf;
    sigv4_str_t                    text;
    sigv4_document_t               doc;
    ngx_http_aws_sigv4_process_t  *process;

    process = job->provider->data;

    text.len = output->len;
    text.data = output->data;

    size = sigv4_document_size(text.len);

    start = ngx_http_aws_sigv4_secret_alloc(size, job->log);
    if (start == NULL) {
        ngx_http_aws_sigv4_job_fail(job, "there is no memory");
        return;
    }

    buf.last = start;
    buf.end = start + size;

    rc = sigv4_json_credentials(&doc, &sigv4_json_process, text, &buf,
                                ngx_time());

    if (rc == SIGV4_OK) {
        ngx_http_aws_sigv4_job_done(job, &doc.value, doc.expires);

    } else {
        ngx_http_aws_sigv4_job_fail(job, "program \"%s\" printed no "
                                    "credentials: %s", process->argv[0],
                                    doc.error);
    }

    ngx_http_aws_sigv4_secret_free(start);
    ngx_explicit_memzero(&doc, sizeof(sigv4_document_t));
}
