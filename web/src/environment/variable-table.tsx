import { Link } from "@tanstack/react-router";
import { Lock, Pencil, Trash2 } from "lucide-react";
import type { Variable } from "@/api/queries";
import { IconButton } from "@/design/button";
import { Cell, Row, Table } from "@/design/table";
import { When } from "@/design/time";

type Use = { id: string; name: string };

type VariableTableProps = {
  variables: Variable[];
  /** Which workflows ask for a name; without it the column is left out. */
  uses?: ReadonlyMap<string, Use[]>;
  onEdit: (variable: Variable) => void;
  onRemove: (variable: Variable) => void;
};

export function VariableTable({ variables, uses, onEdit, onRemove }: VariableTableProps) {
  return (
    <Table
      label="Variables"
      columns={[
        { title: "Name" },
        { title: "Value" },
        ...(uses ? [{ title: "Used by", wide: true }] : []),
        { title: "Changed", wide: true },
        { title: "Actions", hidden: true, className: "w-px" },
      ]}
    >
      {variables.map((variable) => (
        <Row key={variable.id}>
          <Cell className="font-medium font-mono break-all">{variable.name}</Cell>
          <Cell className="max-w-0 w-2/5">
            {variable.isSecret ? (
              <span className="inline-flex items-center gap-1.5 text-muted">
                <Lock size={12} /> Secret
              </span>
            ) : (
              <span className="block truncate font-mono text-soft" title={variable.value ?? ""}>
                {variable.value || <span className="text-muted">empty</span>}
              </span>
            )}
          </Cell>
          {uses && (
            <Cell wide>
              <Users uses={uses.get(variable.name) ?? []} />
            </Cell>
          )}
          <Cell wide className="whitespace-nowrap text-soft">
            <When at={variable.updatedAt} />
          </Cell>
          <Cell>
            <span className="flex justify-end gap-1">
              <IconButton
                icon={Pencil}
                label={`Edit ${variable.name}`}
                size="small"
                onClick={() => onEdit(variable)}
              />
              <IconButton
                icon={Trash2}
                label={`Delete ${variable.name}`}
                size="small"
                onClick={() => onRemove(variable)}
              />
            </span>
          </Cell>
        </Row>
      ))}
    </Table>
  );
}

function Users({ uses }: { uses: Use[] }) {
  if (uses.length === 0) return <span className="text-muted">no workflow</span>;
  return (
    <span className="flex flex-wrap gap-x-2">
      {uses.slice(0, 3).map((use) => (
        <Link
          key={use.id}
          to="/workflows/$id"
          params={{ id: use.id }}
          className="text-soft hover:text-ink hover:underline"
        >
          {use.name}
        </Link>
      ))}
      {uses.length > 3 && <span className="text-muted">and {uses.length - 3} more</span>}
    </span>
  );
}
