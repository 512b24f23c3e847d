import { useQuery, useQueryClient } from "@tanstack/react-query";
import { KeyRound, Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { allPages, api, must } from "@/api/client";
import type { ApiKey } from "@/api/queries";
import { Page } from "@/app/page";
import { Button, IconButton } from "@/design/button";
import { useConfirm } from "@/design/dialog";
import { Empty, SkeletonRows } from "@/design/empty";
import { plural } from "@/design/format";
import { Problem } from "@/design/problem";
import { Cell, Row, Table } from "@/design/table";
import { When } from "@/design/time";
import { failed, told } from "@/design/toast";
import { KeyDialog } from "./key-dialog";

const keysQuery = {
  queryKey: ["api-keys"],
  queryFn: () =>
    allPages<ApiKey>((cursor) =>
      must(api.GET("/api/api-keys", { params: { query: { limit: 100, cursor } } })),
    ),
};

/** Keys for scripts and servers. People sign in by link. */
export function ApiKeys() {
  const cache = useQueryClient();
  const confirm = useConfirm();
  const { data, error } = useQuery(keysQuery);
  const [making, setMaking] = useState(false);
  const again = () => cache.invalidateQueries({ queryKey: keysQuery.queryKey });
  const remove = async (key: ApiKey) => {
    const sure = await confirm({
      title: `Delete ${key.name}?`,
      text: "Whatever uses this key is refused from then on. It can’t be undone.",
      action: "Delete",
    });
    if (!sure) return;
    await must(api.DELETE("/api/api-keys/{id}", { params: { path: { id: key.id } } }));
    await again();
    told(`${key.name} opens nothing any more.`);
  };
  return (
    <Page
      title="API keys"
      aside={data && <span className="text-muted">{plural(data.length, "key")}</span>}
      actions={
        <Button look="primary" icon={Plus} onClick={() => setMaking(true)}>
          New key
        </Button>
      }
    >
      {error && (
        <div className="p-4 md:p-6">
          <Problem error={error} />
        </div>
      )}
      {!data && !error && <SkeletonRows />}
      {data?.length === 0 && (
        <Empty
          icon={KeyRound}
          title="No key yet"
          action={
            <Button look="primary" icon={Plus} onClick={() => setMaking(true)}>
              Make a key
            </Button>
          }
        >
          With a key, scripts and other servers use the REST API: start runs, send events, deploy
          from CI. Worker URLs need none.
        </Empty>
      )}
      {data && data.length > 0 && (
        <Table
          label="API keys"
          columns={[
            { title: "Name" },
            { title: "Key" },
            { title: "May" },
            { title: "Made", wide: true },
            { title: "Actions", hidden: true, className: "w-px" },
          ]}
        >
          {data.map((key) => (
            <Row key={key.id}>
              <Cell className="font-medium text-app break-words">{key.name}</Cell>
              <Cell className="font-mono text-soft whitespace-nowrap">{key.prefix}…</Cell>
              <Cell className="text-soft">{key.scopes.join(", ")}</Cell>
              <Cell wide className="whitespace-nowrap text-soft">
                <When at={key.createdAt} />
              </Cell>
              <Cell>
                <IconButton
                  icon={Trash2}
                  label={`Delete ${key.name}`}
                  size="small"
                  onClick={() => void remove(key).catch(failed)}
                />
              </Cell>
            </Row>
          ))}
        </Table>
      )}
      {making && <KeyDialog onClose={() => setMaking(false)} onMade={() => void again()} />}
    </Page>
  );
}
