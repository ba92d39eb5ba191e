"""Databases that may be away: what an API process asks of one, with the driver's own words kept back."""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from receipt_service.errors import Unavailable

P = ParamSpec("P")
T = TypeVar("T")


def answering(question: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """Turn a database that does not answer into ``Unavailable``; its own words are not passed on."""

    @wraps(question)
    async def asked(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await question(*args, **kwargs)
        except (OperationalError, PoolTimeout) as error:
            raise Unavailable("the database does not answer") from error
        except DBAPIError as error:
            if error.connection_invalidated:
                raise Unavailable("the connection to the database broke") from error
            raise

    return asked
