
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * What STS answers, as XML:
 *
 *     <ActionResponse><ActionResult>
 *         <Credentials><AccessKeyId>...</Credentials>
 *         <AssumedRoleUser><Arn>...</AssumedRoleUser>
 *     </ActionResult></ActionResponse>
 *
 *     <ErrorResponse><Error><Code>...<Message>...</Error></ErrorResponse>
 */


#ifndef _SIGV4_STS_H_INCLUDED_
#define _SIGV4_STS_H_INCLUDED_


#include "providers/sigv4_document.h"


/*
 * SIGV4_OK, or SIGV4_INVALID and doc->error: also if the document is an
 * ErrorResponse, whose code is then doc->code.  The action is "AssumeRole"
 * or "AssumeRoleWithWebIdentity".  Credentials that expire at now or before
 * are refused.
 */
int sigv4_sts_credentials(sigv4_document_t *doc, const char *action,
    sigv4_str_t text, sigv4_buf_t *buf, time_t now);


#endif /* _SIGV4_STS_H_INCLUDED_ */
