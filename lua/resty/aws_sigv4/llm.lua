-- Copyright (C) ngx_aws_sigv4_module authors
--
-- SPDX-License-Identifier: BSD-2-Clause

-- One door in front of Bedrock and other LLM services, for clients of OpenAI,
-- of Anthropic and of Bedrock itself: docs/llm.md.
--
--     llm.init{ table = FILE, callers = FILE or nil, dict = NAME or nil }
--         from init_by_lua; what is wrong is an error of the start
--     llm.route()      access phase of the locations that clients reach
--     llm.attempt()    access phase of the locations of targets
--     llm.header(), llm.body(), llm.log()
--         in their phases, for the whole server


local answer = require "resty.aws_sigv4.llm.answer"
local attempt = require "resty.aws_sigv4.llm.attempt"
local callers = require "resty.aws_sigv4.llm.callers"
local errors = require "resty.aws_sigv4.llm.errors"
local models = require "resty.aws_sigv4.llm.models"
local request = require "resty.aws_sigv4.llm.request"
local routes = require "resty.aws_sigv4.llm.routes"
local state = require "resty.aws_sigv4.llm.state"
local tables = require "resty.aws_sigv4.llm.table"


local ngx = ngx
local error = error
local match = string.match
local pairs = pairs
local tostring = tostring
local type = type


local _M = { version = "0.1.0" }


local OPTIONS = { table = true, callers = true, dict = true }


local function check_options(options)
    if type(options) ~= "table" then
        error("bad argument #1 to 'init' (table expected)", 3)
    end

    for name, value in pairs(options) do
        if not OPTIONS[name] then
            error("unknown option '" .. tostring(name) .. "'", 3)
        end

        if type(value) ~= "string" then
            error("bad option '" .. name .. "' (string expected)", 3)
        end
    end

    if not options.table then
        error("option 'table' is missing", 3)
    end

    if options.dict and not ngx.shared[options.dict] then
        error("no lua_shared_dict is called '" .. options.dict .. "'", 3)
    end

    if options.callers and not options.dict then
        error("option 'callers' needs option 'dict'", 3)
    end
end


function _M.init(options)
    check_options(options)

    local ok, err = tables.init(options.table)
    if not ok then
        error("llm: table " .. err, 2)
    end

    if options.callers then
        ok, err = callers.init(options.callers, ngx.shared[options.dict])
        if not ok then
            error("llm: callers " .. err, 2)
        end
    end

    attempt.init(options.dict)
end


-- as it stands in the request line, without arguments; nothing of a line that
-- nginx could not read

local function request_path()
    return match(ngx.var.request_uri or "", "^[^?#]*")
end


local function check_method(s)
    local wanted = routes.method(s.operation)
    local method = ngx.req.get_method()

    if method ~= wanted and not (wanted == "GET" and method == "HEAD") then
        ngx.header["Allow"] = wanted == "GET" and "GET, HEAD" or wanted

        return errors.send(s.dialect, "method_not_allowed")
    end
end


local function not_found(s)
    return errors.send(s.dialect, "model_not_found")
end


-- an id that is no alias goes on as it is, if the table says so

local function native_targets(s, table, path)
    local id = routes.decode(path)

    if not id or id:find("%c") then
        return not_found(s)
    end

    s.alias = id
    s.stream = s.operation == "converse-stream"
               or s.operation == "invoke-with-response-stream"

    local entry = table.aliases[id]

    if entry and entry.bedrock then
        return entry.bedrock
    end

    local target = not entry and table.native
                   and tables.native(table, id, path)

    return target and { target } or not_found(s)
end


local function named_targets(s, table)
    request.read(s)

    local entry = table.aliases[s.alias]
    local targets = entry and entry[s.dialect]

    if not targets then
        return not_found(s)
    end

    if entry.members then
        request.read_members(s, entry.members)
    end

    return targets
end


local function invoke(s, table, path)
    local var = ngx.var
    local targets

    request.check_type(s)

    if s.dialect == "bedrock" then
        targets = native_targets(s, table, path)

    else
        targets = named_targets(s, table)
    end

    var.llm_alias = s.alias
    var.llm_stream = s.stream and "1" or "0"

    callers.check(s, s.alias, s.dialect)

    return attempt.first(s, targets)
end


function _M.route()
    local dialect, operation, id = routes.find(request_path())
    local s = state.new(dialect)

    ngx.var.llm_dialect = dialect

    if not operation then
        return errors.send(dialect, "unsupported_route")
    end

    s.operation = operation

    check_method(s)
    callers.identify(s, dialect)
    s.metered = callers.metered(s)

    local table = tables.get()

    if operation == "models" then
        return models.list(s, table)
    end

    if operation == "model" then
        return models.one(s, table, routes.decode(id))
    end

    return invoke(s, table, id)
end


function _M.attempt()
    local s = state.get()

    if not s then
        return errors.send("openai", "gateway_error")
    end

    return attempt.run(s)
end


-- what nginx answered before any location ran, such as a body that is too
-- large, is an error in the shape of the route all the same

local function current()
    local s = state.get()

    if s or ngx.status < 400 then
        return s
    end

    local dialect = routes.find(request_path())

    ngx.var.llm_dialect = dialect

    return state.new(dialect)
end


function _M.header()
    local s = current()

    if s then
        attempt.forget_key(s)
        answer.header(s)
        callers.header(s)
    end
end


function _M.body()
    local s = state.get()

    return s and answer.body(s)
end


function _M.log()
    local s = state.get()

    if s then
        attempt.forget_key(s)
        attempt.log(s)
        answer.log(s)
    end
end


return _M
