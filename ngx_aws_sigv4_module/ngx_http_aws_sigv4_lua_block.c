
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include "ngx_http_aws_sigv4_lua.h"


/*
 * Finds the end of a block of Lua code: the brace that belongs to the one it
 * began with.  Those in strings and comments do not count, so the text is
 * followed through them, character by character.
 */

typedef enum {
    NGX_HTTP_AWS_SIGV4_BLOCK_CODE = 0,
    NGX_HTTP_AWS_SIGV4_BLOCK_STRING,
    NGX_HTTP_AWS_SIGV4_BLOCK_ESCAPE,        /* after "\" in a string */
    NGX_HTTP_AWS_SIGV4_BLOCK_MINUS,         /* after "-" */
    NGX_HTTP_AWS_SIGV4_BLOCK_COMMENT,
    NGX_HTTP_AWS_SIGV4_BLOCK_OPENING,       /* after "[", "[=", "[==" ... */
    NGX_HTTP_AWS_SIGV4_BLOCK_LONG,          /* of a string or a comment */
    NGX_HTTP_AWS_SIGV4_BLOCK_CLOSING,       /* after "]", "]=", "]==" ... */
    NGX_HTTP_AWS_SIGV4_BLOCK_END
} ngx_http_aws_sigv4_block_state_e;


typedef struct {
    ngx_http_aws_sigv4_block_state_e  state;
    ngx_uint_t                        depth;    /* of braces */
    ngx_uint_t                        level;    /* of a long bracket */
    ngx_uint_t                        count;    /* of "=" in a closing one */
    u_char                            quote;
    unsigned                          comment:1;
    unsigned                          begun:1;  /* right after "--" */
} ngx_http_aws_sigv4_block_t;


static ngx_int_t ngx_http_aws_sigv4_block_fill(ngx_conf_t *cf);
static void ngx_http_aws_sigv4_block_next(ngx_http_aws_sigv4_block_t *block,
    u_char ch);
static void ngx_http_aws_sigv4_block_code(ngx_http_aws_sigv4_block_t *block,
    u_char ch);
static void ngx_http_aws_sigv4_block_comment(
    ngx_http_aws_sigv4_block_t *block, u_char ch);
static void ngx_http_aws_sigv4_block_opening(
    ngx_http_aws_sigv4_block_t *block, u_char ch);
static void ngx_http_aws_sigv4_block_closing(
    ngx_http_aws_sigv4_block_t *block, u_char ch);


ngx_int_t
ngx_http_aws_sigv4_lua_block(ngx_conf_t *cf, ngx_str_t *text)
{
    u_char                      *p, ch;
    ngx_buf_t                   *b;
    ngx_uint_t                   line;
    ngx_array_t                  code;
    ngx_http_aws_sigv4_block_t   block;

    if (ngx_array_init(&code, cf->temp_pool, 4096, 1) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_memzero(&block, sizeof(ngx_http_aws_sigv4_block_t));

    b = cf->conf_file->buffer;
    line = cf->conf_file->line;

    for ( ;; ) {

        if (b->pos == b->last) {

            switch (ngx_http_aws_sigv4_block_fill(cf)) {

            case NGX_OK:
                break;

            case NGX_DONE:
                cf->conf_file->line = line;
                ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                                   "unexpected end of file, expecting \"}\" "
                                   "for the Lua code that starts");
                return NGX_ERROR;

            default:
                return NGX_ERROR;
            }
        }

        ch = *b->pos++;

        if (ch == LF) {
            cf->conf_file->line++;
        }

        ngx_http_aws_sigv4_block_next(&block, ch);

        if (block.state == NGX_HTTP_AWS_SIGV4_BLOCK_END) {
            break;
        }

        if (code.nelts == NGX_HTTP_AWS_SIGV4_LUA_CODE) {
            cf->conf_file->line = line;
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "the code is longer than %d bytes, or its "
                               "\"}\" is missing; it starts",
                               NGX_HTTP_AWS_SIGV4_LUA_CODE);
            return NGX_ERROR;
        }

        p = ngx_array_push(&code);
        if (p == NULL) {
            return NGX_ERROR;
        }

        *p = ch;
    }

    text->len = code.nelts;
    text->data = ngx_pnalloc(cf->pool, text->len + 1);
    if (text->data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(text->data, code.elts, text->len);

    return NGX_OK;
}


/* as ngx_conf_read_token() reads on; NGX_DONE: the file ends here */

static ngx_int_t
ngx_http_aws_sigv4_block_fill(ngx_conf_t *cf)
{
    off_t        rest;
    size_t       size;
    ssize_t      n;
    ngx_buf_t   *b, *dump;
    ngx_file_t  *file;

    b = cf->conf_file->buffer;
    dump = cf->conf_file->dump;
    file = &cf->conf_file->file;

    rest = ngx_file_size(&file->info) - file->offset;

    if (rest <= 0) {
        return NGX_DONE;
    }

    size = (size_t) ngx_min(rest, b->end - b->start);

    n = ngx_read_file(file, b->start, size, file->offset);

    if (n == NGX_ERROR) {
        return NGX_ERROR;
    }

    if ((size_t) n != size) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           ngx_read_file_n " returned only %z bytes "
                           "instead of %uz", n, size);
        return NGX_ERROR;
    }

    b->pos = b->start;
    b->last = b->start + n;

    if (dump != NULL) {
        dump->last = ngx_cpymem(dump->last, b->pos, size);
    }

    return NGX_OK;
}


static void
ngx_http_aws_sigv4_block_next(ngx_http_aws_sigv4_block_t *block, u_char ch)
{
    switch (block->state) {

    case NGX_HTTP_AWS_SIGV4_BLOCK_STRING:

        if (ch == '\\') {
            block->state = NGX_HTTP_AWS_SIGV4_BLOCK_ESCAPE;

        } else if (ch == block->quote || ch == LF) {
            /* Lua will complain about a string that ends with its line */
            block->state = NGX_HTTP_AWS_SIGV4_BLOCK_CODE;
        }

        break;

    case NGX_HTTP_AWS_SIGV4_BLOCK_ESCAPE:
        block->state = NGX_HTTP_AWS_SIGV4_BLOCK_STRING;
        break;

    case NGX_HTTP_AWS_SIGV4_BLOCK_COMMENT:
        ngx_http_aws_sigv4_block_comment(block, ch);
        break;

    case NGX_HTTP_AWS_SIGV4_BLOCK_OPENING:
        ngx_http_aws_sigv4_block_opening(block, ch);
        break;

    case NGX_HTTP_AWS_SIGV4_BLOCK_LONG:
    case NGX_HTTP_AWS_SIGV4_BLOCK_CLOSING:
        ngx_http_aws_sigv4_block_closing(block, ch);
        break;

    default:
        ngx_http_aws_sigv4_block_code(block, ch);
    }
}


static void
ngx_http_aws_sigv4_block_code(ngx_http_aws_sigv4_block_t *block, u_char ch)
{
    ngx_uint_t  minus;

    minus = (block->state == NGX_HTTP_AWS_SIGV4_BLOCK_MINUS);

    block->state = NGX_HTTP_AWS_SIGV4_BLOCK_CODE;

    switch (ch) {

    case '{':
        block->depth++;
        break;

    case '}':

        if (block->depth-- == 0) {
            block->state = NGX_HTTP_AWS_SIGV4_BLOCK_END;
        }

        break;

    case '"':
    case '\'':
        block->state = NGX_HTTP_AWS_SIGV4_BLOCK_STRING;
        block->quote = ch;
        break;

    case '[':
        block->state = NGX_HTTP_AWS_SIGV4_BLOCK_OPENING;
        block->level = 0;
        block->comment = 0;
        break;

    case '-':

        if (minus) {
            block->state = NGX_HTTP_AWS_SIGV4_BLOCK_COMMENT;
            block->begun = 1;

        } else {
            block->state = NGX_HTTP_AWS_SIGV4_BLOCK_MINUS;
        }

        break;
    }
}


static void
ngx_http_aws_sigv4_block_comment(ngx_http_aws_sigv4_block_t *block,
    u_char ch)
{
    if (ch == LF) {
        block->state = NGX_HTTP_AWS_SIGV4_BLOCK_CODE;

    } else if (ch == '[' && block->begun) {
        block->state = NGX_HTTP_AWS_SIGV4_BLOCK_OPENING;
        block->level = 0;
        block->comment = 1;
    }

    block->begun = 0;
}


static void
ngx_http_aws_sigv4_block_opening(ngx_http_aws_sigv4_block_t *block,
    u_char ch)
{
    if (ch == '=') {
        block->level++;

    } else if (ch == '[') {
        block->state = NGX_HTTP_AWS_SIGV4_BLOCK_LONG;

    } else if (block->comment) {
        block->state = NGX_HTTP_AWS_SIGV4_BLOCK_COMMENT;
        ngx_http_aws_sigv4_block_comment(block, ch);

    } else {
        ngx_http_aws_sigv4_block_code(block, ch);
    }
}


static void
ngx_http_aws_sigv4_block_closing(ngx_http_aws_sigv4_block_t *block,
    u_char ch)
{
    if (block->state == NGX_HTTP_AWS_SIGV4_BLOCK_CLOSING
        && ch == '=')
    {
        block->count++;

    } else if (block->state == NGX_HTTP_AWS_SIGV4_BLOCK_CLOSING
               && ch == ']'
               && block->count == block->level)
    {
        block->state = NGX_HTTP_AWS_SIGV4_BLOCK_CODE;

    } else if (ch == ']') {
        block->state = NGX_HTTP_AWS_SIGV4_BLOCK_CLOSING;
        block->count = 0;

    } else {
        block->state = NGX_HTTP_AWS_SIGV4_BLOCK_LONG;
    }
}
