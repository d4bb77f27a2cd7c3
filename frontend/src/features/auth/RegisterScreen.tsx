import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { RequestError } from '../../shared/graphql/errors.ts';
import { errorText, text } from '../../shared/i18n/text.ts';
import { Button } from '../../shared/ui/Button.tsx';
import { Field } from '../../shared/ui/Field.tsx';
import { AuthScreen } from './AuthScreen.tsx';
import { register } from './session.ts';

interface Failure {
  field: string | null;
  message: string;
}

const FIELDS = ['username', 'password', 'displayName'];

export function RegisterScreen() {
  const { next } = useSearch({ from: '/register' });
  const navigate = useNavigate();
  const [username, setUsername] = useState('');
  const [displayName, setDisplayName] = useState('');
  const [password, setPassword] = useState('');
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);

  const submit = async () => {
    if (busy) return;
    if (!username.trim() || !password) {
      setFailure({ field: null, message: text.auth.incomplete });
      return;
    }
    setBusy(true);
    setFailure(null);
    try {
      await register({
        username: username.trim(),
        password,
        displayName: displayName.trim() || null,
      });
      await navigate({ to: next ?? '/rooms', replace: true });
    } catch (error) {
      setFailure(failureOf(error));
    } finally {
      setBusy(false);
    }
  };

  const about = (field: string) => (failure?.field === field ? failure.message : null);

  return (
    <AuthScreen
      title={text.auth.registerTitle}
      error={failure && failure.field === null ? failure.message : null}
      onSubmit={() => void submit()}
      foot={
        <>
          {text.auth.haveAccount}{' '}
          <Link to="/login" search={{ next }}>
            {text.auth.login}
          </Link>
        </>
      }
    >
      <Field
        label={text.auth.username}
        hint={text.auth.usernameHint}
        error={about('username')}
        name="username"
        autoComplete="username"
        autoCapitalize="none"
        spellCheck={false}
        required
        value={username}
        onChange={(event) => setUsername(event.target.value)}
      />
      <Field
        label={text.auth.displayName}
        hint={text.auth.displayNameHint}
        error={about('displayName')}
        name="displayName"
        autoComplete="name"
        value={displayName}
        onChange={(event) => setDisplayName(event.target.value)}
      />
      <Field
        label={text.auth.password}
        hint={text.auth.passwordHint}
        error={about('password')}
        name="password"
        type="password"
        autoComplete="new-password"
        required
        value={password}
        onChange={(event) => setPassword(event.target.value)}
      />
      <Button type="submit" look="primary" disabled={busy}>
        {text.auth.register}
      </Button>
    </AuthScreen>
  );
}

function failureOf(error: unknown): Failure {
  if (error instanceof RequestError) {
    if (error.code === 'CONFLICT') return { field: 'username', message: text.auth.taken };
    const field = error.field !== null && FIELDS.includes(error.field) ? error.field : null;
    return { field, message: errorText(error.code, error.message) };
  }
  return { field: null, message: errorText('UNAVAILABLE') };
}
