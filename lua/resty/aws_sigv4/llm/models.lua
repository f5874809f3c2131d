-- Copyright (C) ngx_aws_sigv4_module authors
--
-- SPDX-License-Identifier: BSD-2-Clause

-- The list of models: the aliases of the table that speak the dialect of the
-- client and that it may use, in the shape that its SDK expects.
--
--     models.list(s, models)       answers GET /v1/models
--     models.one(s, models, id)    answers GET /v1/models/{id}


local callers = require "resty.aws_sigv4.llm.callers"
local errors = require "resty.aws_sigv4.llm.errors"
local quoting = require "resty.aws_sigv4.llm.quoting"


local ngx = ngx
local concat = table.concat
local date = os.date
local ipairs = ipairs
local quote = quoting.quote


local _M = { version = "0.1.0" }


local function object(dialect, name, models)
    if dialect == "anthropic" then
        return '{"type":"model","id":' .. quote(name) .. ',"display_name":'
               .. quote(name) .. ',"created_at":"'
               .. date("!%Y-%m-%dT%H:%M:%SZ", models.loaded) .. '"}'
    end

    return '{"id":' .. quote(name) .. ',"object":"model","created":'
           .. models.loaded .. ',"owned_by":"gateway"}'
end


local function send(body)
    ngx.header["Content-Type"] = "application/json"
    ngx.header["Content-Length"] = #body
    ngx.print(body)

    return ngx.exit(ngx.HTTP_OK)
end


local function quote_or_null(name)
    return name and quote(name) or "null"
end


function _M.list(s, models)
    local dialect = s.dialect
    local names, objects = {}, {}

    for _, entry in ipairs(models.list) do
        if entry[dialect] and callers.allows(s, entry.name) then
            names[#names + 1] = entry.name
            objects[#objects + 1] = object(dialect, entry.name, models)
        end
    end

    local data = concat(objects, ",")

    if dialect == "anthropic" then
        return send('{"data":[' .. data .. '],"has_more":false,"first_id":'
                    .. quote_or_null(names[1]) .. ',"last_id":'
                    .. quote_or_null(names[#names]) .. "}")
    end

    return send('{"object":"list","data":[' .. data .. "]}")
end


function _M.one(s, models, id)
    local entry = id and models.aliases[id]

    if not entry or not entry[s.dialect] or not callers.allows(s, id) then
        return errors.send(s.dialect, "model_not_found")
    end

    return send(object(s.dialect, id, models))
end


return _M
