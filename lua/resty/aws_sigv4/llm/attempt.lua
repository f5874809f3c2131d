-- Copyright (C) ngx_aws_sigv4_module authors
--
-- SPDX-License-Identifier: BSD-2-Clause

-- The attempts of a request: which targets, in which order, what each of them
-- is sent, and what becomes of one that failed.
--
--     attempt.init(dict)           name of a lua_shared_dict, or nil
--     attempt.first(s, targets)    goes to the location of the first target
--     attempt.run(s)               in that location, and in each that follows
--     attempt.log(s)               cools down a last target that failed
--
-- A target that failed is put behind the others for its cool-down.  It is not
-- left out: where all the others fail too, it is better than an error.


local aws_sigv4 = require "resty.aws_sigv4"
local base = require "resty.core.base"
local ffi = require "ffi"
local body = require "resty.aws_sigv4.llm.body"
local edits = require "resty.aws_sigv4.llm.edits"
local errors = require "resty.aws_sigv4.llm.errors"
local hold = require "resty.aws_sigv4.llm.hold"
local keys = require "resty.aws_sigv4.llm.keys"
local definitions = require "resty.aws_sigv4.llm.target"
local upstream = require "resty.aws_sigv4.llm.upstream"


local C = ffi.C
local ngx = ngx
local concat = table.concat
local get_request = base.get_request
local ipairs = ipairs
local match = string.match
local min = math.min
local set_scope = aws_sigv4.set
local tonumber = tonumber


ffi.cdef [[
int ngx_http_aws_sigv4_ffi_allows(void *r, const char *host, size_t len);
]]


local _M = { version = "0.1.0" }


local MAX_RETRY_AFTER = 60

-- statuses that leave a request to the next target; the configuration of
-- error_page has the same
local FAILED = { [429] = true, [500] = true, [502] = true, [503] = true,
                 [504] = true, [529] = true }

-- states of the signer in which it let a request go
local SENT = { signed = true, resigned = true }

local KEY_VARIABLES = {
    ["authorization"] = "llm_authorization",
    ["x-api-key"] = "llm_x_api_key",
    ["api-key"] = "llm_api_key",
    ["x-goog-api-key"] = "llm_goog_api_key",
}

-- [signed][last]
local LOCATIONS = {
    [true] = { [false] = "@llm_signed", [true] = "@llm_signed_last" },
    [false] = { [false] = "@llm_keyed", [true] = "@llm_keyed_last" },
}


local dict


function _M.init(name)
    dict = name and ngx.shared[name]
end


local function cooling(target)
    return dict ~= nil and dict:get(target.cool_key) ~= nil
end


-- the targets that can do what is asked for; those that cool down come last

local function order(targets, operation)
    local list, late = {}, nil

    for i = 1, #targets do
        local target = targets[i]

        if target.urls[operation] then
            if cooling(target) then
                late = late or {}
                late[#late + 1] = target

            else
                list[#list + 1] = target
            end
        end
    end

    for i = 1, late and #late or 0 do
        list[#list + 1] = late[i]
    end

    return list
end


local function location_of(s, index)
    return LOCATIONS[s.targets[index].signed][index == #s.targets]
end


function _M.first(s, targets)
    -- one target needs no order
    if #targets > 1 or not targets[1].urls[s.operation] then
        targets = order(targets, s.operation)
    end

    if #targets == 0 then
        return errors.send(s.dialect, "unsupported_route",
                           "This model has no such route.")
    end

    s.targets = targets

    return ngx.exec(location_of(s, 1))
end


local function retry_after()
    local value = ngx.var.upstream_http_retry_after
    if not value then
        return nil
    end

    local seconds = tonumber(match(value, "^%s*(%d+)%s*$"))

    if not seconds then
        local at = ngx.parse_http_time(value)
        seconds = at and at - ngx.time()
    end

    return seconds and seconds > 0 and min(seconds, MAX_RETRY_AFTER)
end


local function cool_down(target, wait)
    local seconds = wait or target.cooldown

    if not dict or target.cooldown == 0 then
        return
    end

    local ok, err = dict:safe_set(target.cool_key, true, seconds)
    if not ok then
        ngx.log(ngx.WARN, "llm: target \"", target.label,
                "\" cannot cool down: ", err)
    end
end


-- A request that was sent and not answered in time may be under way still, and
-- be paid for twice.

local function may_repeat(target)
    return target.retry_timeout
           or not upstream.is_connected()
end


local function refused(s, target)
    return s.unsent
           or target.signed and not SENT[ngx.var.aws_sigv4_status]
end


local function failed(s)
    local target = s.targets[s.index]
    local status

    -- the gateway's own trouble, such as credentials that are not there: no
    -- upstream was asked, and the variables are those of one before
    if not refused(s, target) then
        status = upstream.status()
    end

    cool_down(target, (status == 429 or status == 503) and retry_after())

    if status == 504 and not may_repeat(target) then
        return errors.send(s.dialect, "upstream_timeout")
    end

    -- of an answer of the signer that is not given after all
    ngx.header["Retry-After"] = nil

    ngx.log(ngx.INFO, "llm: target \"", target.label, "\" failed with ",
            status or "no request", ", trying \"",
            s.targets[s.index + 1].label, "\"")
end


-- to the next target, or to the error, without having sent anything

local function give_up(s, code, reason)
    ngx.log(ngx.ERR, "llm: target \"", s.target.label, "\": ", reason)

    if s.index == #s.targets then
        return errors.send(s.dialect, code)
    end

    s.unsent = true

    return ngx.exec(location_of(s, s.index + 1))
end


-- Nothing of a target's key may be found in a log, nor go to the next target.

function _M.forget_key(s)
    if s.key_variable then
        ngx.var[s.key_variable] = ""
        s.key_variable = nil
    end
end


local function set_key(s, target)
    if not target.key_file then
        return true
    end

    local key, err = keys.read(target.key_file)
    if not key then
        return nil, err
    end

    if target.key_header == "authorization" then
        key = "Bearer " .. key
    end

    s.key_variable = KEY_VARIABLES[target.key_header]
    ngx.var[s.key_variable] = key

    return true
end


local function betas_of(target)
    local sent = ngx.var.http_anthropic_beta

    if not sent or not target.betas then
        return sent
    end

    return concat(definitions.betas(target, sent), ",")
end


-- Parameters of Bedrock's own API that are headers.  Its clients choose them,
-- a guardrail too; for others the table does, or nobody.

local function set_parameters(var, s, target)
    if s.dialect == "bedrock" then
        var.llm_bedrock_accept = var.http_x_amzn_bedrock_accept or ""
        var.llm_guardrail = var.http_x_amzn_bedrock_guardrailidentifier or ""
        var.llm_guardrail_version =
            var.http_x_amzn_bedrock_guardrailversion or ""
        var.llm_trace = var.http_x_amzn_bedrock_trace or ""
        var.llm_latency = var.http_x_amzn_bedrock_performanceconfig_latency
                          or ""
        var.llm_service_tier = var.http_x_amzn_bedrock_service_tier or ""

        return
    end

    var.llm_bedrock_accept = target.invoke and s.stream and "application/json"
                             or ""
    var.llm_guardrail = target.guardrail or ""
    var.llm_guardrail_version = target.guardrail_version or ""
    var.llm_trace = target.trace or ""
end


-- headers of the dialect that the target is to have

local function set_headers(var, s, target)
    local anthropic = s.dialect == "anthropic" and not target.invoke
    local invoke = target.invoke == true

    var.llm_anthropic_version = anthropic and var.http_anthropic_version or ""
    var.llm_anthropic_beta = anthropic and betas_of(target) or ""
    var.llm_accept = invoke and "application/json" or var.http_accept or ""

    set_parameters(var, s, target)
end


local function set_target(s, target)
    local var = ngx.var
    local operation = s.operation

    if target.invoke and s.stream then
        operation = operation .. "_stream"
    end

    local url = target.urls[operation]

    -- of the Anthropic SDK; no other arguments are known, and keys may be
    -- among them
    if s.dialect == "anthropic" and not target.invoke
       and var.arg_beta == "true"
    then
        url = url .. "?beta=true"
    end

    var.llm_url = url
    var.llm_host = target.host
    var.llm_model = target.model
    var.llm_target = target.label
    var.llm_region = target.region or "-"
    var.llm_attempts = s.index

    if s.index < #s.targets then
        var.llm_next = location_of(s, s.index + 1)
    end

    set_headers(var, s, target)
end


local function set_body(s, target)
    local list = edits.of(s, target)

    -- an attempt that changed it must not change it for the next
    if list == nil then
        if not s.edited then
            return true
        end

        list = {}
    end

    s.edited = true

    return body.edit(list)
end


local function set_identity(s, target)
    _M.forget_key(s)

    if target.signed then
        return set_scope(target.region, target.service, nil,
                         target.credentials)
    end

    return set_key(s, target)
end


-- The signer would answer 403, which error_page cannot tell from the 403 of
-- an upstream: that one passes.

local function forbidden(target)
    local r = get_request()

    for _, host in ipairs { target.host, target.authority } do
        if C.ngx_http_aws_sigv4_ffi_allows(r, host, #host) == 0 then
            return host
        end
    end
end


function _M.run(s)
    if s.index > 0 then
        failed(s)
        s.unsent = nil
    end

    s.index = s.index + 1

    local target = s.targets[s.index]

    s.target = target
    set_target(s, target)
    hold.ask(s)

    if target.signed and s.index < #s.targets then
        local host = forbidden(target)

        if host then
            return give_up(s, "gateway_error", "host \"" .. host
                           .. "\" is not in \"aws_sigv4_allow_hosts\"")
        end
    end

    local ok, err = set_body(s, target)
    if not ok then
        return give_up(s, "gateway_error", err)
    end

    ok, err = set_identity(s, target)
    if not ok then
        return give_up(s, target.signed and "gateway_no_credentials"
                          or "gateway_error", err)
    end
end


function _M.log(s)
    local target = s.target

    if not target or s.index < #s.targets or #s.targets == 1 then
        return
    end

    local status = upstream.status()

    if FAILED[status] and not refused(s, target) then
        cool_down(target, (status == 429 or status == 503) and retry_after())
    end
end


return _M
