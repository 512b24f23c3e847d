/** How node types look: the colour of their family, and their icon. */

import {
  Bell,
  Box,
  Braces,
  Bug,
  CalendarClock,
  Clock,
  Code,
  CreditCard,
  Database,
  FileText,
  Flag,
  GitBranch,
  GitFork,
  Globe,
  Hash,
  LogOut,
  type LucideIcon,
  Mail,
  MessageSquare,
  Phone,
  Repeat,
  Send,
  ShieldAlert,
  Sparkles,
  SquareFunction,
  Timer,
  Upload,
  Workflow,
  Zap,
} from "lucide-react";
import type { NodeType } from "@/api/queries";

export type Family = "code" | "http" | "time" | "event" | "control" | "call" | "custom";

export const FAMILIES: Record<Family, { title: string; text: string; tile: string }> = {
  code: { title: "Code", text: "text-code", tile: "bg-code/12 text-code" },
  http: { title: "HTTP", text: "text-http", tile: "bg-http/12 text-http" },
  time: { title: "Time", text: "text-time", tile: "bg-time/12 text-time" },
  event: { title: "Events", text: "text-event", tile: "bg-event/12 text-event" },
  control: { title: "Control", text: "text-control", tile: "bg-control/12 text-control" },
  call: { title: "Call", text: "text-call", tile: "bg-call/12 text-call" },
  custom: { title: "Services", text: "text-custom", tile: "bg-custom/12 text-custom" },
};

const FAMILY_OF: Record<string, Family> = {
  step: "code",
  http_request: "http",
  sleep: "time",
  sleep_until: "time",
  wait_for_event: "event",
  branch: "control",
  parallel: "control",
  race: "control",
  loop: "control",
  break: "control",
  try_catch: "control",
  sub_workflow: "call",
  sub_script: "call",
};

const ICON_OF: Record<string, LucideIcon> = {
  step: Code,
  http_request: Globe,
  sleep: Timer,
  sleep_until: CalendarClock,
  wait_for_event: Bell,
  branch: GitBranch,
  parallel: GitFork,
  race: Flag,
  loop: Repeat,
  break: LogOut,
  try_catch: ShieldAlert,
  sub_workflow: Workflow,
  sub_script: SquareFunction,
};

/** The icons that a custom node may name. */
const NAMED: Record<string, LucideIcon> = {
  bell: Bell,
  box: Box,
  braces: Braces,
  bug: Bug,
  clock: Clock,
  code: Code,
  "credit-card": CreditCard,
  database: Database,
  "file-text": FileText,
  globe: Globe,
  hash: Hash,
  mail: Mail,
  "message-square": MessageSquare,
  phone: Phone,
  send: Send,
  sparkles: Sparkles,
  upload: Upload,
  zap: Zap,
};

export function familyOf(type: string): Family {
  return FAMILY_OF[type] ?? "custom";
}

export function iconOf(type: string, known?: NodeType): LucideIcon {
  return ICON_OF[type] ?? NAMED[known?.icon ?? ""] ?? Box;
}

/** The colour of a type's family, for what is painted without classes. */
export function colourOfType(type: string): string {
  return `var(${FAMILIES[familyOf(type)].text.replace("text", "-")})`;
}
