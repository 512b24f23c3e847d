import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Cable, Pencil, Plus, Star, Trash2 } from "lucide-react";
import { useState } from "react";
import { api, must } from "@/api/client";
import { type Connection, queries } from "@/api/queries";
import { Page } from "@/app/page";
import { Button, IconButton } from "@/design/button";
import { useConfirm } from "@/design/dialog";
import { SkeletonRows } from "@/design/empty";
import { plural } from "@/design/format";
import { NameDialog } from "@/design/name-dialog";
import { Problem } from "@/design/problem";
import { Cell, Row, Table } from "@/design/table";
import { When } from "@/design/time";
import { failed, told } from "@/design/toast";
import { NewConnection } from "./new-connection";

/** The places that workflows are deployed to. */
export function Connections() {
  const cache = useQueryClient();
  const confirm = useConfirm();
  const { data, error } = useQuery(queries.connections());
  const { data: types } = useQuery(queries.connectionTypes());
  const { data: deployments } = useQuery(queries.deployments());
  const [editing, setEditing] = useState<Connection | "new" | null>(null);
  const again = () => cache.invalidateQueries({ queryKey: ["connections"] });
  const live = (id: string) =>
    deployments?.filter((one) => one.status === "active" && one.connectionId === id).length ?? 0;

  const change = async (connection: Connection, body: { name?: string; isDefault?: boolean }) => {
    const params = { path: { id: connection.id } };
    await must(api.PATCH("/api/connections/{id}", { params, body }));
    await again();
  };
  const remove = async (connection: Connection) => {
    const sure = await confirm({
      title: `Delete ${connection.name}?`,
      text: "Nothing was deployed to it if this succeeds: one that was used stays.",
      action: "Delete",
    });
    if (!sure) return;
    await must(api.DELETE("/api/connections/{id}", { params: { path: { id: connection.id } } }));
    await again();
    told(`${connection.name} is deleted.`);
  };
  return (
    <Page
      title="Connections"
      aside={data && <span className="text-muted">{plural(data.length, "connection")}</span>}
      actions={
        <Button icon={Plus} onClick={() => setEditing("new")}>
          Add
        </Button>
      }
    >
      {error && (
        <div className="p-4 md:p-6">
          <Problem error={error} />
        </div>
      )}
      {!data && !error && <SkeletonRows />}
      {data && (
        <>
          <Table
            label="Connections"
            columns={[
              { title: "Name" },
              { title: "What it is", wide: true },
              { title: "Live" },
              { title: "Added", wide: true },
              { title: "Actions", hidden: true, className: "w-px" },
            ]}
          >
            {data.map((connection) => (
              <Row key={connection.id}>
                <Cell>
                  <span className="font-medium text-app">{connection.name}</span>
                  {connection.isDefault && (
                    <span className="ml-2 rounded-full border px-1.5 text-small text-soft">
                      Default
                    </span>
                  )}
                </Cell>
                <Cell wide className="text-soft">
                  {types?.find((one) => one.type === connection.type)?.title ?? connection.type}
                  {connection.plan && `, ${connection.plan} plan`}
                </Cell>
                <Cell className="whitespace-nowrap text-soft">
                  {plural(live(connection.id), "workflow")}
                </Cell>
                <Cell wide className="whitespace-nowrap text-soft">
                  <When at={connection.createdAt} />
                </Cell>
                <Cell>
                  <span className="flex justify-end gap-1">
                    <IconButton
                      icon={Star}
                      label="Make it the default"
                      size="small"
                      disabled={connection.isDefault}
                      onClick={() => void change(connection, { isDefault: true }).catch(failed)}
                    />
                    <IconButton
                      icon={Pencil}
                      label={`Rename ${connection.name}`}
                      size="small"
                      onClick={() => setEditing(connection)}
                    />
                    <IconButton
                      icon={Trash2}
                      label={
                        connection.builtin
                          ? "It came with the server and stays"
                          : `Delete ${connection.name}`
                      }
                      size="small"
                      disabled={connection.builtin}
                      onClick={() => void remove(connection).catch(failed)}
                    />
                  </span>
                </Cell>
              </Row>
            ))}
          </Table>
          <p className="flex max-w-140 items-start gap-2 px-4 py-4 text-muted md:px-6">
            <Cable size={16} className="mt-0.5 shrink-0" />
            <span>
              A connection is a place to deploy to. The embedded engine runs on this server and
              keeps every run in its journal; several connections to it keep deployments apart, as
              “Staging” and “Production”. The default is taken where none is named.
            </span>
          </p>
        </>
      )}
      {editing === "new" && types && (
        <NewConnection types={types} onClose={() => setEditing(null)} onAdded={again} />
      )}
      {editing !== null && editing !== "new" && (
        <NameDialog
          title={`Rename ${editing.name}`}
          name={editing.name}
          onClose={() => setEditing(null)}
          onSave={(name) => change(editing, { name })}
        />
      )}
    </Page>
  );
}
