
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include <stddef.h>

#include "sigv4_refusal_parts.h"


/* Response/Errors/Error of EC2 is the deepest */
#define SIGV4_XML_DEPTH           3


typedef struct {
    sigv4_scan_t                 *scan;
    size_t                        depth;
    size_t                        error;  /* depth of the error; 0: outside */
} sigv4_xml_t;


typedef struct {
    const char                   *name;
    size_t                        offset;
} sigv4_xml_value_t;


static int sigv4_xml_markup(sigv4_xml_t *xml);
static void sigv4_xml_element(sigv4_xml_t *xml);
static int sigv4_xml_tag(sigv4_scan_t *scan, sigv4_str_t *name);
static sigv4_str_t *sigv4_xml_value(sigv4_xml_t *xml, sigv4_str_t name);
static void sigv4_xml_text(sigv4_scan_t *scan, sigv4_str_t *value);
static void sigv4_xml_cdata(sigv4_scan_t *scan);
static void sigv4_xml_reference(sigv4_scan_t *scan);
static int sigv4_xml_number(sigv4_str_t s, uint32_t *c);
static int sigv4_xml_at(sigv4_scan_t *scan, const char *text);
static int sigv4_xml_skip(sigv4_scan_t *scan, const char *text);


static const sigv4_xml_value_t  sigv4_xml_values[] = {
    { "Code", offsetof(sigv4_refusal_t, code) },
    { "Message", offsetof(sigv4_refusal_t, message) },
    { "message", offsetof(sigv4_refusal_t, message) },
    { "Region", offsetof(sigv4_refusal_t, region) },
    { "HeadersNotSigned", offsetof(sigv4_refusal_t, unsigned_header) },
    { "CanonicalRequest", offsetof(sigv4_refusal_t, canonical_request) },
    { "StringToSign", offsetof(sigv4_refusal_t, string_to_sign) },
    { NULL, 0 }
};


void
sigv4_refusal_xml(sigv4_scan_t *scan)
{
    sigv4_xml_t  xml;

    xml.scan = scan;
    xml.depth = 0;
    xml.error = 0;

    while (scan->p < scan->end) {
        scan->p = memchr(scan->p, '<', scan->end - scan->p);

        if (scan->p == NULL) {
            scan->p = scan->end;
            return;
        }

        if (!sigv4_xml_markup(&xml)) {
            return;
        }
    }
}


/* 0: what follows is not read, as its entities are its own */

static int
sigv4_xml_markup(sigv4_xml_t *xml)
{
    sigv4_scan_t  *scan;

    scan = xml->scan;

    if (sigv4_xml_at(scan, "<!--")) {
        (void) sigv4_xml_skip(scan, "-->");

    } else if (sigv4_xml_at(scan, "<![CDATA[")) {
        (void) sigv4_xml_skip(scan, "]]>");

    } else if (sigv4_xml_at(scan, "<?")) {
        (void) sigv4_xml_skip(scan, "?>");

    } else if (sigv4_xml_at(scan, "<!")) {
        return 0;

    } else if (sigv4_xml_at(scan, "</")) {
        (void) sigv4_xml_skip(scan, ">");

        if (xml->depth == 0) {
            return 0;
        }

        if (xml->depth-- == xml->error) {
            xml->error = 0;
        }

    } else {
        sigv4_xml_element(xml);
    }

    return 1;
}


static void
sigv4_xml_element(sigv4_xml_t *xml)
{
    int           empty;
    size_t        i;
    sigv4_str_t   name, *value;

    static const char  exception[] = "Exception";

    empty = sigv4_xml_tag(xml->scan, &name);

    xml->depth++;

    value = NULL;

    if (xml->error != 0) {
        value = sigv4_xml_value(xml, name);

    } else if (xml->depth <= SIGV4_XML_DEPTH && sigv4_str_is(name, "Error")) {
        xml->error = xml->depth;

    } else if (xml->depth == 1 && name.len > sizeof(exception) - 1
               && memcmp(name.data + name.len - (sizeof(exception) - 1),
                         exception, sizeof(exception) - 1)
                  == 0)
    {
        /* some services name the root by the code */

        xml->error = 1;

        sigv4_scan_begin(xml->scan, &xml->scan->refusal->code);

        for (i = 0; i < name.len; i++) {
            sigv4_scan_put(xml->scan, name.data[i]);
        }

        sigv4_scan_end(xml->scan, &xml->scan->refusal->code);
    }

    if (empty) {
        if (xml->depth-- == xml->error) {
            xml->error = 0;
        }

    } else if (value != NULL) {
        sigv4_xml_text(xml->scan, value);
    }
}


/* goes behind the tag; 1: its element is empty */

static int
sigv4_xml_tag(sigv4_scan_t *scan, sigv4_str_t *name)
{
    uint8_t         quote;
    const uint8_t  *p;

    p = ++scan->p;
    name->data = p;

    while (p < scan->end && *p != '>' && *p != '/' && *p > ' ') {
        p++;
    }

    name->len = p - name->data;
    quote = '\0';

    for ( /* void */ ; p < scan->end; p++) {

        if (quote != '\0') {
            quote = *p == quote ? '\0' : quote;

        } else if (*p == '"' || *p == '\'') {
            quote = *p;

        } else if (*p == '>') {
            scan->p = p + 1;
            return p[-1] == '/';
        }
    }

    scan->p = scan->end;

    return 1;
}


/* the first of each name counts */

static sigv4_str_t *
sigv4_xml_value(sigv4_xml_t *xml, sigv4_str_t name)
{
    sigv4_str_t              *value;
    const sigv4_xml_value_t  *v;

    if (xml->depth != xml->error + 1) {
        return NULL;
    }

    for (v = sigv4_xml_values; v->name != NULL; v++) {

        if (sigv4_str_is(name, v->name)) {
            value = (sigv4_str_t *) ((char *) xml->scan->refusal + v->offset);

            return value->data == NULL ? value : NULL;
        }
    }

    return NULL;
}


/* up to the next tag, which is left */

static void
sigv4_xml_text(sigv4_scan_t *scan, sigv4_str_t *value)
{
    sigv4_scan_begin(scan, value);

    while (scan->p < scan->end) {

        if (sigv4_xml_at(scan, "<![CDATA[")) {
            sigv4_xml_cdata(scan);

        } else if (sigv4_xml_at(scan, "<!--")) {
            (void) sigv4_xml_skip(scan, "-->");

        } else if (*scan->p == '<') {
            sigv4_scan_end(scan, value);
            return;

        } else if (*scan->p == '&') {
            sigv4_xml_reference(scan);

        } else {
            sigv4_scan_put(scan, *scan->p++);
        }
    }

    sigv4_scan_end(scan, value);

    scan->refusal->cut = value;
}


static void
sigv4_xml_cdata(sigv4_scan_t *scan)
{
    const uint8_t  *p, *last;

    p = scan->p + sizeof("<![CDATA[") - 1;

    last = sigv4_xml_skip(scan, "]]>") ? scan->p - 3 : scan->end;

    while (p < last) {
        sigv4_scan_put(scan, *p++);
    }
}


/* one that is not known is left as it stands */

static void
sigv4_xml_reference(sigv4_scan_t *scan)
{
    size_t          i;
    uint32_t        c;
    sigv4_str_t     name;
    const uint8_t  *p;

    static const struct {
        const char  *name;
        uint8_t      c;
    } names[] = {
        { "lt", '<' }, { "gt", '>' }, { "amp", '&' }, { "quot", '"' },
        { "apos", '\'' }
    };

    p = scan->p + 1;
    name.data = p;

    /* leading zeros are not for those who write references */

    while (p < scan->end && p - name.data < 10 && *p != ';') {
        p++;
    }

    if (p == scan->end || *p != ';') {
        sigv4_scan_put(scan, *scan->p++);
        return;
    }

    name.len = p - name.data;

    if (sigv4_xml_number(name, &c)) {
        sigv4_scan_utf8(scan, c);
        scan->p = p + 1;
        return;
    }

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (sigv4_str_is(name, names[i].name)) {
            sigv4_scan_put(scan, names[i].c);
            scan->p = p + 1;
            return;
        }
    }

    sigv4_scan_put(scan, *scan->p++);
}


static int
sigv4_xml_number(sigv4_str_t s, uint32_t *c)
{
    size_t    i;
    uint8_t   digit;
    uint32_t  base;

    if (s.len < 2 || s.data[0] != '#') {
        return 0;
    }

    base = (s.data[1] == 'x') ? 16 : 10;
    i = (base == 16) ? 2 : 1;

    if (i == s.len) {
        return 0;
    }

    for (*c = 0; i < s.len; i++) {
        digit = s.data[i];

        if (digit >= '0' && digit <= '9') {
            digit -= '0';

        } else if (base == 16 && (digit | 0x20) >= 'a'
                   && (digit | 0x20) <= 'f')
        {
            digit = (digit | 0x20) - 'a' + 10;

        } else {
            return 0;
        }

        /* nine digits at most: it does not overflow */

        *c = *c * base + digit;

        if (*c > 0x110000) {
            *c = 0x110000;
        }
    }

    return 1;
}


static int
sigv4_xml_at(sigv4_scan_t *scan, const char *text)
{
    size_t  len;

    len = strlen(text);

    return (size_t) (scan->end - scan->p) >= len
           && memcmp(scan->p, text, len) == 0;
}


/* behind the next such text; 0: there is none, and goes to the end */

static int
sigv4_xml_skip(sigv4_scan_t *scan, const char *text)
{
    sigv4_str_t     rest;
    const uint8_t  *p;

    rest.data = scan->p;
    rest.len = scan->end - scan->p;

    p = sigv4_find(rest, text);

    scan->p = p ? p + strlen(text) : scan->end;

    return p != NULL;
}
