"""Starts MiniStack 1.5.33 with what our template and our tests need and it lacks.

Run by `cargo xtask test --target ministack`, in the environment of infra/tools/ministack.txt. It touches private names,
so it wants exactly that version.

Mended, each because it was measured to be in the way:
- 40 ms of Nagle's delay, and 50 ms of waiting for log lines, at every call of a function;
- CORS of AWS::ApiGatewayV2::Api and the expiry of AWS::DynamoDB::Table in templates, which it ignores;
- the resource types RouteResponse and Deployment, which it does not know;
- 413 above 128 KiB on @connections;
- dynamodb:LeadingKeys, the condition that binds a right to a part of a table: it has no value for it, and a condition
  without a value allows everything.
"""

import json
import socketserver


EXPECTED = "1.5.33"
FRAME_BYTES = 128 * 1024  # Amazon API Gateway quotas: WebSocket message payload


def check_version():
    from importlib.metadata import version

    found = version("ministack")
    if found != EXPECTED:
        raise SystemExit(f"this mends MiniStack {EXPECTED}, and {found} is installed")


def hurry():
    import ministack.core.lambda_runtime as runtime

    socketserver.StreamRequestHandler.disable_nagle_algorithm = True
    drain = runtime.Worker._drain_stderr_bounded

    def drained(self, first_line_wait=0.002, idle_confirm=0.002, hard_cap=0.05):
        return drain(self, first_line_wait, idle_confirm, hard_cap)

    runtime.Worker._drain_stderr_bounded = drained


def lower_first(properties):
    """CloudFormation's spelling as the service's own."""
    if not isinstance(properties, dict):
        return properties
    return {key[:1].lower() + key[1:]: value for key, value in properties.items()}


def mend_templates():
    import ministack.services.apigateway as gateway
    import ministack.services.cloudformation.provisioners as provisioners
    import ministack.services.dynamodb as dynamodb

    handlers = provisioners._RESOURCE_HANDLERS

    def wrap(kind, operation, before=None, after=None):
        handle = handlers[kind][operation]

        def wrapped(*args, **kwargs):
            if before:
                args = [before(arg) for arg in args]
            result = handle(*args, **kwargs)
            if after:
                after(result, args)
            return result

        handlers[kind][operation] = wrapped

    def with_cors(properties):
        if isinstance(properties, dict) and isinstance(properties.get("CorsConfiguration"), dict):
            return {**properties, "CorsConfiguration": lower_first(properties["CorsConfiguration"])}
        return properties

    def with_expiry(result, args):
        properties = [arg for arg in args if isinstance(arg, dict)][-1]
        wanted = properties.get("TimeToLiveSpecification")
        if wanted:
            enabled = str(wanted.get("Enabled")).lower() == "true"
            expiry = {"AttributeName": wanted["AttributeName"], "Enabled": enabled}
            dynamodb._update_ttl({"TableName": result[0], "TimeToLiveSpecification": expiry})

    for operation in ("create", "update"):
        wrap("AWS::ApiGatewayV2::Api", operation, before=with_cors)
        wrap("AWS::DynamoDB::Table", operation, after=with_expiry)

    def route_response(_logical, properties, _stack):
        route = properties["RouteId"].split("/")[-1]
        _status, _headers, body = gateway._create_route_response(properties["ApiId"], route, lower_first(properties))
        made = lower_first(json.loads(body))["routeResponseId"]
        return made, {"RouteResponseId": made}

    def deployment(_logical, properties, _stack):
        _status, _headers, body = gateway._create_deployment(properties["ApiId"], lower_first(properties))
        return lower_first(json.loads(body))["deploymentId"], {}

    def nothing(_id, _properties):
        return None

    handlers["AWS::ApiGatewayV2::RouteResponse"] = {"create": route_response, "delete": nothing}
    handlers["AWS::ApiGatewayV2::Deployment"] = {"create": deployment, "delete": nothing}


def mend_connections():
    import ministack.services.apigateway as gateway

    handle = gateway.handle_connections_api

    async def handled(method, *args):
        if method == "POST" and len(args[3]) > FRAME_BYTES:
            headers = {"Content-Type": "application/json", "x-amzn-ErrorType": "PayloadTooLargeException"}
            return 413, headers, b'{"message":"Payload too large"}'
        return await handle(method, *args)

    gateway.handle_connections_api = handled


def mend_leading_keys():
    import ministack.core.iam_actions as actions
    import ministack.services.dynamodb as dynamodb

    context_of = actions.dynamodb_service_context

    def partition_key(table):
        found = dynamodb._tables.get(table.split("/")[-1])
        schema = found["KeySchema"] if found else []
        return next((part["AttributeName"] for part in schema if part["KeyType"] == "HASH"), None)

    def value(attribute):
        return str(next(iter(attribute.values()))) if isinstance(attribute, dict) and attribute else None

    def of_condition(request, key):
        """The value that a query's condition compares the partition key with."""
        names = request.get("ExpressionAttributeNames") or {}
        values = request.get("ExpressionAttributeValues") or {}
        for part in (request.get("KeyConditionExpression") or "").split(" AND "):
            left, _, right = part.partition("=")
            if names.get(left.strip(), left.strip()) == key:
                return value(values.get(right.strip()))
        return None

    def of_one(request):
        key = partition_key(request.get("TableName") or "")
        for holder in (request.get("Key"), request.get("Item")):
            if isinstance(holder, dict) and key in holder:
                yield value(holder[key])
        yield of_condition(request, key)

    def of_all(request):
        yield from of_one(request)
        for item in request.get("TransactItems") or []:
            for part in item.values():
                yield from of_one(part)
        for table, wanted in (request.get("RequestItems") or {}).items():
            for key in wanted.get("Keys") or [] if isinstance(wanted, dict) else []:
                yield from of_one({"TableName": table, "Key": key})
            for write in wanted if isinstance(wanted, list) else []:
                for part in write.values():
                    yield from of_one({"TableName": table, **part})

    def with_leading_keys(body):
        context = context_of(body)
        keys = [key for key in of_all(json.loads(body or b"{}")) if key]
        if keys:
            context["dynamodb:LeadingKeys"] = keys
        return context

    actions.dynamodb_service_context = with_leading_keys


if __name__ == "__main__":
    check_version()
    hurry()
    mend_templates()
    mend_connections()
    mend_leading_keys()
    from ministack.app import main

    main()
