import re

from workers.workflows import NonRetryableError


def json_transform(input, mapping):
    """The mapping, its paths replaced by what they lead to in the input; what is missing is None."""

    def follow(value, way):
        for number, key in enumerate(way):
            if key == "[*]":
                inner = value if isinstance(value, list) else []
                return [follow(element, way[number + 1 :]) for element in inner]
            if isinstance(value, dict) and isinstance(key, str):
                value = value.get(key)
            elif isinstance(value, list) and isinstance(key, int) and key < len(value):
                value = value[key]
            else:
                return None
        return value

    def read(path, value):
        way, rest = [], path[1:]
        while rest:
            part = re.match(r"""\.([^\W\d][\w-]*)|\[(\d+)\]|(\[\*\])|\["([^"]*)"\]""", rest)
            if part is None:
                raise NonRetryableError(f"{path} is not a path such as $.items[0].name")
            word, index, every, quoted = part.groups()
            way.append(int(index) if index else word or every or quoted or "")
            rest = rest[part.end() :]
        return follow(value, way)

    def made(shape, value):
        if isinstance(shape, str):
            if shape.startswith("$$"):
                return shape[1:]
            return read(shape, value) if shape.startswith("$") else shape
        if isinstance(shape, list):
            return [made(element, value) for element in shape]
        if isinstance(shape, dict) and "$each" in shape:
            elements = made(shape["$each"], value)
            inner = elements if isinstance(elements, list) else []
            return [made(shape.get("$to", "$"), element) for element in inner]
        if isinstance(shape, dict):
            return {key: made(inner, value) for key, inner in shape.items()}
        return shape

    return made(mapping, input)
