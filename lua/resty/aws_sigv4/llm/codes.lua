-- Copyright (C) ngx_aws_sigv4_module authors
--
-- SPDX-License-Identifier: BSD-2-Clause

-- The codes of errors, and what each of them looks like to clients of OpenAI
-- and of Amazon Bedrock.
--
--     codes.list       code → { status, type, aws, message, … }


local _M = { version = "0.1.0" }


-- Statuses and types are chosen so that the SDKs retry what is worth it: they
-- retry 408, 409, 429 and 5xx unless "x-should-retry: false" is there.
--   type   of OpenAI; Anthropic's follows from the status
--   aws    name of the exception for clients of Bedrock
--   wait   default of Retry-After, seconds
--   own    the upstream's text may tell of credentials: ours is used always

_M.list = {
    invalid_json = {
        status = 400, type = "invalid_request_error",
        aws = "ValidationException",
        message = "The request body is not valid JSON.",
    },
    missing_model = {
        status = 400, type = "invalid_request_error",
        aws = "ValidationException",
        message = "The request names no model.",
    },
    invalid_model = {
        status = 400, type = "invalid_request_error",
        aws = "ValidationException",
        message = "The name of the model must be a string.",
    },
    invalid_request = {
        status = 400, type = "invalid_request_error",
        aws = "ValidationException",
        message = "The request is not valid.",
        no_code = true,
    },
    context_length_exceeded = {
        status = 400, type = "invalid_request_error",
        aws = "ValidationException",
        message = "The input is too long for the model.",
    },
    invalid_api_key = {
        status = 401, type = "authentication_error",
        aws = "UnrecognizedClientException",
        message = "The API key is missing or not valid.",
    },
    model_not_allowed = {
        status = 403, type = "permission_error",
        aws = "AccessDeniedException",
        message = "This API key may not use this model.",
    },
    model_access_denied = {
        status = 403, type = "permission_error",
        aws = "AccessDeniedException",
        message = "The gateway may not use this model.",
    },
    model_not_found = {
        status = 404, type = "invalid_request_error",
        aws = "ResourceNotFoundException",
        message = "There is no such model.",
    },
    unsupported_route = {
        status = 404, type = "invalid_request_error",
        aws = "UnknownOperationException",
        message = "The gateway has no such route.",
    },
    method_not_allowed = {
        status = 405, type = "invalid_request_error",
        aws = "ValidationException",
        message = "The method is not allowed here.",
    },
    conflict = {
        status = 409, type = "invalid_request_error",
        aws = "ConflictException", retry = false,
        message = "The request conflicts with the state of the resource.",
    },
    request_too_large = {
        status = 413, type = "invalid_request_error",
        aws = "ValidationException",
        message = "The request is too large.",
    },
    unsupported_media_type = {
        status = 415, type = "invalid_request_error",
        aws = "ValidationException",
        message = "The content type of the request must be application/json.",
    },
    rate_limit_exceeded = {
        status = 429, type = "rate_limit_error",
        aws = "ThrottlingException", wait = 2,
        message = "There were too many requests.",
    },
    insufficient_quota = {
        status = 429, type = "insufficient_quota",
        aws = "ServiceQuotaExceededException", retry = false,
        message = "A quota is used up.",
    },
    internal_error = {
        status = 500, type = "api_error",
        aws = "InternalServerException",
        message = "The upstream had an internal error.",
    },
    gateway_error = {
        status = 500, type = "api_error",
        aws = "InternalServerException",
        message = "The gateway had an internal error.", own = true,
    },
    upstream_auth_failed = {
        status = 502, type = "api_error",
        aws = "InternalServerException", retry = false,
        message = "The upstream refused the credentials of the gateway.",
        own = true,
    },
    upstream_unreachable = {
        status = 502, type = "api_error",
        aws = "ServiceUnavailableException",
        message = "The upstream cannot be reached.",
    },
    upstream_error = {
        status = 502, type = "api_error",
        aws = "InternalServerException",
        message = "The upstream gave no valid answer.",
    },
    model_error = {
        status = 502, type = "api_error",
        aws = "ModelErrorException",
        message = "The model failed.",
    },
    model_stream_error = {
        status = 502, type = "api_error",
        aws = "ModelStreamErrorException",
        message = "The model failed while it answered.",
    },
    gateway_no_credentials = {
        status = 503, type = "api_error",
        aws = "ServiceUnavailableException", retry = false,
        message = "The gateway has no credentials for the upstream.",
        own = true,
    },
    service_unavailable = {
        status = 503, type = "api_error",
        aws = "ServiceUnavailableException",
        message = "The service is not available.",
    },
    overloaded = {
        status = 503, type = "api_error",
        aws = "ServiceUnavailableException",
        message = "The service is overloaded.",
    },
    model_not_ready = {
        status = 503, type = "api_error",
        aws = "ModelNotReadyException", wait = 5,
        message = "The model is not ready.",
    },
    upstream_timeout = {
        status = 504, type = "api_error",
        aws = "ModelTimeoutException",
        message = "The upstream did not answer in time.",
    },
    model_timeout = {
        status = 504, type = "api_error",
        aws = "ModelTimeoutException",
        message = "The model did not answer in time.",
    },
}


return _M
