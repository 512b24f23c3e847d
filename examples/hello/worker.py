from workers import Response, WorkerEntrypoint, WorkflowEntrypoint


class Hello(WorkflowEntrypoint):
    async def run(self, event, step):

        @step.do("Who is there?")
        def _guest():
            # What the caller sent; a step's result is kept, so this runs once.
            name = event["payload"].get("name") or "world"
            return {"name": name}

        guest = await _guest()

        await step.sleep("Short nap", "2 seconds")

        @step.do("Say hello", config={"retries": {"limit": 3, "delay": "1 second"}})
        def _greeting():
            # An earlier node's id is a variable that holds its result.
            return {"greeting": f"Hello, {guest['name']}!"}

        greeting = await _greeting()
        return greeting


class Default(WorkerEntrypoint):
    async def fetch(self, request):
        env = self.env

        from urllib.parse import parse_qs, urlsplit

        if request.method == "POST":
            try:
                params = await request.json()
            except (ValueError, RecursionError):
                params = None  # the body is not JSON
            instance = await env.WORKFLOW.create(params=params)
            return Response.json({"instanceId": instance.id})

        query = parse_qs(urlsplit(request.url).query)
        if "instanceId" in query:
            instance = await env.WORKFLOW.get(query["instanceId"][0])
            return Response.json(await instance.status())

        return Response(None, status=200)
