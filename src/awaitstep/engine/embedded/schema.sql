-- The journal. One writer; readers see committed rows only (WAL).
-- Times are seconds since the epoch. Codes: see states.py; their order is part of this format.

create table names (
    id integer primary key,
    text text not null unique
);

create table runs (
    ref integer primary key,
    workflow integer not null,          -- names
    instance not null,                  -- 16 bytes when made here, text when the caller chose it
    deployment integer not null,        -- names
    version integer not null,           -- names
    trigger integer not null,           -- names
    status integer not null,
    epoch integer not null,
    pause_requested integer not null,
    params blob,
    output blob,
    failure blob,
    created real not null,
    started real,
    ended real,
    due real,                           -- when a parked run next has something to do
    parent integer,                     -- the run that waits for this one
    parent_epoch integer,               -- and its epoch when it started it
    priority integer not null default 0
);
create unique index runs_by_instance on runs (workflow, instance);
-- Lists are in the order of these two: of a workflow's runs, and of those that are alike in all one
-- can filter by.
create index runs_by_workflow on runs (workflow, created);
create index runs_by_kind on runs (status, workflow, trigger, deployment, version, created);
create index runs_by_due on runs (due) where due is not null;
create index runs_by_parent on runs (parent) where parent is not null and status < 4;

create table operations (
    run integer not null,
    k integer not null,
    kind integer not null,
    name text not null,
    n integer not null,
    after integer not null,
    seq integer not null,
    status integer not null,
    started real not null,
    ended real,
    value blob,
    attempts blob,
    due real,
    rest real,
    event_type text,
    event integer,
    primary key (run, k)
) without rowid;
create index operations_to_retry on operations (run) where kind = 0 and status = 1;

create table events (
    seq integer primary key,
    run integer not null,
    type text not null,
    payload blob not null,
    at real not null,
    taken integer                       -- the operation that took it
);
create index events_by_run on events (run);

-- What the event log of a run can't be made from otherwise: pauses, resumes, restarts.
create table notes (
    run integer not null,
    kind integer not null,
    at real not null,
    epoch integer not null,
    after integer not null,             -- the last outcome by then
    data blob
);
create index notes_by_run on notes (run);
